-- Receipts without the room's row, and who shares what.

-- Others are told that this member has seen everything up to `seen_position`; never lowered, unlike the own bookmark
-- `read_position`. What was said up to `seen_from` was said before the person came: nobody has seen or missed it.
alter table chatroom_member add column seen_position bigint not null default 0;
alter table chatroom_member add column seen_from bigint not null default 0;
alter table chatroom_member add column seen_at bigint;                   -- of the last advance
-- The room's count of receipts at this member's last one: its greatest is the room's. A counter in the room's own row
-- would make each reader wait for who is sending, and each sender for who is reading.
alter table chatroom_member add column reads bigint not null default 0;
alter table chatroom drop column reads;

alter table "user" add column shows_presence bigint not null default 1;  -- online, away, last seen
