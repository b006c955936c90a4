-- What a person is told of, and where: in the page, by push, by mail.

alter table "user" add column noticed_revision bigint not null default 0;    -- own events up to here were seen in the list
alter table "user" add column push_text bigint not null default 0;           -- 1: what was written may stand on the screen of a locked device
alter table "user" add column mailed_at bigint;                              -- when the last digest was sent

-- The session of the browser that wants to be told: when it ends, so does the telling.
alter table push_subscription add column session_hash {blob};

create index push_subscription_session on push_subscription (session_hash);

-- Nobody is told twice of one message.
create index notification_message on notification (message_id, user_id);

-- What stands in a person's list: events that concern them still. What was said in a room that the person left, or was deleted, hidden or
-- worded otherwise since, is gone from it.
create view notice_view as
select
    n.user_id,
    n.revision,
    n.kind,
    n.goal_id,
    g.title as goal_title,
    n.chatroom_id,
    c.title as chatroom_title,
    n.message_id,
    t.excerpt,
    t.position,
    m.notification_level,
    n.actor_id,
    a.first_name,
    a.last_name,
    n.role,
    n.created_at,
    case when n.revision <= u.noticed_revision or t.position <= m.read_position then 1 else 0 end as seen
from notification n
join "user" u on u.id = n.user_id
left join goal g on g.id = n.goal_id
left join "user" a on a.id = n.actor_id
left join chatroom c on c.id = n.chatroom_id
left join message t on t.id = n.message_id
left join chatroom_member m on m.chatroom_id = n.chatroom_id and m.user_id = n.user_id and m.left_at is null
where n.kind in ('participation_asked', 'participation_approved', 'participation_refused', 'removed', 'role_changed')
    or (
        n.kind in ('mention', 'reply')
        and t.deleted_at is null
        and t.position > m.first_position
        and c.state <> 'deleted'
        and not exists (select 1 from message_hidden h where h.user_id = n.user_id and h.message_id = n.message_id)
        and (
            n.kind = 'reply'
            or exists (select 1 from message_mention x where x.message_id = n.message_id and x.user_id = n.user_id)
        )
    );

-- What waits to be mailed is looked for by its age.
create index notification_created on notification (created_at);
