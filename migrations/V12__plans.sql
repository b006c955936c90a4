-- One way to what a page shows, whatever a database's statistics say: an index for each list, and views that join nothing.

-- Only what is pinned: the old one held every message, and led through whole rooms.
drop index message_pinned;
create index message_pinned on message (chatroom_id, pinned_at) where pinned_at is not null;

-- A search between two days becomes a search between two ids.
create index message_created on message (created_at);

-- What a person hid in a room, the latest first.
drop index message_hidden_room;
create index message_hidden_room on message_hidden (user_id, chatroom_id, message_id);

-- From where on every member sees a room's messages. Its condition is written so that no other statement is led here.
create index chatroom_member_first on chatroom_member (chatroom_id, first_position) where coalesce(left_at, 0) = 0;

-- Who waits for a decision, and who decides: few of many members.
create index goal_participation_pending on goal_participation (goal_id, asked_at) where status = 'pending';
create index goal_participation_decider on goal_participation (goal_id, user_id) where role <> 'member';

-- Approved members, counted as they come and go: a list of goals does not count them.
alter table goal add column member_count bigint not null default 0;

update goal
set member_count = (
    select count(*)
    from goal_participation a
    where a.goal_id = goal.id and a.status = 'approved'
);

drop view goal_view;

-- A goal with its own room and the number of its members: what everybody may see of it. SQLite keeps the order of a cross join.
create view goal_view as
select
    g.id,
    g.title,
    g.description,
    g.start_date,
    g.end_date,
    g.status,
    g.progress,
    g.history,
    c.id as chatroom_id,
    g.member_count
from goal g
cross join chatroom c
where c.goal_id = g.id and c.kind = 'goal' and c.state <> 'deleted';

drop view message_view;

-- A message as everybody may see it: with its author's name and the place of the message it answers. Looked up for each row that is
-- shown: a join could begin with all authors.
create view message_view as
select
    m.id,
    m.chatroom_id,
    m.author_id,
    (select a.first_name from "user" a where a.id = m.author_id) as author_first_name,
    (select a.last_name from "user" a where a.id = m.author_id) as author_last_name,
    m.kind,
    m.system,
    m.content,
    m.body_html,
    m.excerpt,
    m.reply_to,
    (select q.position from message q where q.id = m.reply_to) as reply_position,
    m.client_nonce,
    m.position,
    m.revision,
    m.created_at,
    m.edited_at,
    m.deleted_at,
    m.pinned_at
from message m;

drop view member_view;

-- Somebody's standing in a room, with the name that everybody sees.
create view member_view as
select
    m.chatroom_id,
    m.user_id,
    (select u.first_name from "user" u where u.id = m.user_id) as first_name,
    (select u.last_name from "user" u where u.id = m.user_id) as last_name,
    m.role,
    m.revision,
    m.joined_at,
    m.left_at
from chatroom_member m;

drop view notice_view;

-- What stands in a person's list: events that concern them still. What was said in a room that the person left, or was deleted, hidden or
-- worded otherwise since, is gone from it. Everything beside the event is looked up by its key: nothing is joined, so no engine begins with
-- another table or reads one as a whole.
create view notice_view as
select
    n.user_id,
    n.revision,
    n.kind,
    n.goal_id,
    (select g.title from goal g where g.id = n.goal_id) as goal_title,
    n.chatroom_id,
    (select c.title from chatroom c where c.id = n.chatroom_id) as chatroom_title,
    n.message_id,
    (select t.excerpt from message t where t.id = n.message_id) as excerpt,
    (select t.position from message t where t.id = n.message_id) as position,
    (
        select m.notification_level
        from chatroom_member m
        where m.chatroom_id = n.chatroom_id and m.user_id = n.user_id and m.left_at is null
    ) as notification_level,
    n.actor_id,
    (select a.first_name from "user" a where a.id = n.actor_id) as first_name,
    (select a.last_name from "user" a where a.id = n.actor_id) as last_name,
    n.role,
    n.created_at,
    case
        when n.revision <= (select u.noticed_revision from "user" u where u.id = n.user_id) then 1
        when (select t.position from message t where t.id = n.message_id) <= (
            select m.read_position
            from chatroom_member m
            where m.chatroom_id = n.chatroom_id and m.user_id = n.user_id and m.left_at is null
        ) then 1
        else 0
    end as seen
from notification n
where n.kind in ('participation_asked', 'participation_approved', 'participation_refused', 'removed', 'role_changed')
    or (
        n.kind in ('mention', 'reply')
        and (select t.position from message t where t.id = n.message_id and t.deleted_at is null) > (
            select m.first_position
            from chatroom_member m
            where m.chatroom_id = n.chatroom_id and m.user_id = n.user_id and m.left_at is null
        )
        and (select c.state from chatroom c where c.id = n.chatroom_id) <> 'deleted'
        and (select count(*) from message_hidden h where h.user_id = n.user_id and h.message_id = n.message_id) = 0
        and (
            n.kind = 'reply'
            or (select count(*) from message_mention x where x.message_id = n.message_id and x.user_id = n.user_id) = 1
        )
    );
