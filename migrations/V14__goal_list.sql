-- The list of goals in pages: each order has its index, of the goals' own rooms that are there.

alter table chatroom add column active_at bigint not null default 0;  -- the hour in which something was last written in it
alter table chatroom add column title_key text;                       -- the beginning of the title, folded: what an order of titles compares
alter table chatroom add column folded text;                          -- the goal's title and text as a search compares them; both are filled by the program

update chatroom
set active_at = coalesce(
    (select m.created_at from message m where m.chatroom_id = chatroom.id order by m.position desc limit 1),
    created_at
);

update chatroom set active_at = active_at - active_at % 3600000000;

create index chatroom_active on chatroom (active_at, id) where kind = 'goal' and state <> 'deleted';
create index chatroom_created on chatroom (created_at, id) where kind = 'goal' and state <> 'deleted';
create index chatroom_title on chatroom (title_key, id) where kind = 'goal' and state <> 'deleted';
