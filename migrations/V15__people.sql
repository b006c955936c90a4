-- Rooms of thousands: their people in pages, receipts that do not grow for ever.

alter table chatroom_member add column name_key text;                          -- the name, folded: what a list compares; filled by the program
alter table chatroom_member add column receipts_from bigint not null default 0;  -- when what stands up to here was read is forgotten

-- Their condition is written so that no other statement is led here.
create index chatroom_member_name on chatroom_member (chatroom_id, name_key, user_id) where coalesce(left_at, 0) = 0;
create index chatroom_member_moderator on chatroom_member (chatroom_id, user_id) where coalesce(left_at, 0) = 0 and role <> 'member';

-- Whose receipt moved last.
create index chatroom_member_reads on chatroom_member (chatroom_id, reads, user_id) where coalesce(left_at, 0) = 0;

create index message_read_receipt_age on message_read_receipt (read_at);

drop view member_view;

-- Somebody's standing in a room, with the name that everybody sees. `seen_from` is the revision with which the person came.
create view member_view as
select
    m.chatroom_id,
    m.user_id,
    (select u.first_name from "user" u where u.id = m.user_id) as first_name,
    (select u.last_name from "user" u where u.id = m.user_id) as last_name,
    m.name_key,
    m.role,
    m.revision,
    m.seen_from,
    m.joined_at,
    m.left_at
from chatroom_member m;
