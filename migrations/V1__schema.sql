-- The schema of Palabre: the best first read.
--
-- One text serves both engines; {identity} and {blob} are the only words that differ (src/db expands them).
-- Types are bigint, text and blob. A time is UTC microseconds since 1970 in a bigint, given by the program's
-- clock, never by the database. A yes/no is a bigint 0 or 1. Identities are never used again.

-- What the installation knows of itself: `epoch` (a random id of this history, renewed by a restore),
-- `jwt_secret` (of the live link, when no setting names one), `realtime` (the mode chosen while running).
create table setting (
    name   text primary key,
    value  text not null
);

create table "user" (
    id             {identity},
    email          text not null,                     -- as the person wrote it
    email_key      text not null unique,              -- lower-cased: what "the same address" means
    first_name     text not null,
    last_name      text not null,
    password_hash  text not null,                     -- PHC string, argon2id
    locale         text not null,                     -- 'fr', 'en'
    status         text not null default 'active',    -- 'active', 'suspended'
    site_role      text not null default 'member',    -- 'member', 'admin'; the first account is admin
    revision       bigint not null default 0,         -- counts the person's own events (table notification)
    created_at     bigint not null
);

-- A signed-in browser. The cookie holds a random token; only its SHA-256 stands here.
create table session (
    token_hash  {blob} primary key,
    user_id     bigint not null references "user" (id),
    created_at  bigint not null,
    expires_at  bigint not null
);

create index session_by_user on session (user_id);

create table goal (
    id           {identity},
    title        text not null,                       -- 3 to 255 characters
    description  text not null,                       -- at most 1,000 characters
    start_date   text,                                -- YYYY-MM-DD
    end_date     text,                                -- YYYY-MM-DD, after start_date
    status       text not null default 'active',      -- 'active', 'completed', 'paused', 'cancelled'
    progress     bigint not null default 0,           -- 0 to 100
    history      text not null default 'all',         -- what newcomers see of the talk before them: 'all', 'none'
    created_by   bigint not null references "user" (id),
    created_at   bigint not null
);

-- Who takes part in a goal, or asks to. A refused request is deleted and may be asked again.
create table goal_participation (
    goal_id     bigint not null references goal (id),
    user_id     bigint not null references "user" (id),
    role        text not null,                        -- 'member', 'admin', 'owner'
    status      text not null,                        -- 'pending', 'approved'
    asked_at    bigint not null,
    decided_at  bigint,
    primary key (goal_id, user_id)
);

-- Never two owners, whatever the program does; "always one" is kept by hand-over and by refusing an owner's leave.
create unique index goal_participation_owner on goal_participation (goal_id) where role = 'owner';
create index goal_participation_user on goal_participation (user_id);

create table chatroom (
    id             {identity},
    kind           text not null,                     -- 'goal' (one per goal), 'group', 'direct'
    goal_id        bigint references goal (id),
    title          text not null,
    state          text not null default 'active',    -- 'active', 'locked', 'archived', 'deleted'
    revision       bigint not null default 0,         -- the top of the room's log; its row lock orders the writers
    room_revision  bigint not null default 0,         -- the last change of title, state or pins
    created_at     bigint not null
);

create index chatroom_goal on chatroom (goal_id);

-- The one place that answers "may this person see this room?", for all three kinds.
-- Who left keeps a row, with left_at, so that the others' pages can be told.
create table chatroom_member (
    chatroom_id         bigint not null references chatroom (id),
    user_id             bigint not null references "user" (id),
    role                text not null,                -- 'member', 'admin', 'owner'; follows the goal's in its rooms
    notification_level  text not null default 'all',  -- 'all', 'mentions', 'none'
    revision            bigint not null,              -- the room's revision of this row's last change
    first_position      bigint not null default 0,    -- sees the messages above this position
    read_position       bigint not null default 0,    -- has read every message up to this position
    joined_at           bigint not null,
    left_at             bigint,
    primary key (chatroom_id, user_id)
);

create unique index chatroom_member_revision on chatroom_member (chatroom_id, revision);
create index chatroom_member_user on chatroom_member (user_id);

create table message (
    id            {identity},
    chatroom_id   bigint not null references chatroom (id),
    author_id     bigint not null references "user" (id),
    kind          text not null default 'text',       -- 'text', 'voice', 'system'
    content       text not null,                      -- Markdown as typed; empty in a tombstone
    body_html     text not null,                      -- rendered once, at write; safe
    excerpt       text not null,                      -- plain text, for a quote
    reply_to      bigint references message (id),
    client_nonce  text not null,                      -- made by the browser: a retry is recognised by it
    sent_hash     {blob} not null,                    -- SHA-256 of what was sent under the nonce
    position      bigint not null,                    -- the room's revision when it was posted: its place
    revision      bigint not null,                    -- the room's revision of its last change
    created_at    bigint not null,
    edited_at     bigint,
    deleted_at    bigint
);

create unique index message_position on message (chatroom_id, position);
create unique index message_revision on message (chatroom_id, revision);
create unique index message_nonce on message (chatroom_id, author_id, client_nonce);

-- A person's own events, counted by "user".revision: a page that was away asks for what came after its number.
create table notification (
    user_id      bigint not null references "user" (id),
    revision     bigint not null,
    kind         text not null,                       -- 'participation_asked', '…_approved', '…_refused', 'removed', 'role_changed'
    goal_id      bigint references goal (id),
    chatroom_id  bigint references chatroom (id),
    actor_id     bigint references "user" (id),
    role         text,                                -- the new one, for 'role_changed'
    created_at   bigint not null,
    primary key (user_id, revision)
);

-- A message as everybody may see it: with its author's name and the place of the message it answers.
create view message_view as
select
    m.id,
    m.chatroom_id,
    m.author_id,
    a.first_name as author_first_name,
    a.last_name as author_last_name,
    m.kind,
    m.content,
    m.body_html,
    m.excerpt,
    m.reply_to,
    q.position as reply_position,
    m.client_nonce,
    m.position,
    m.revision,
    m.created_at,
    m.edited_at,
    m.deleted_at
from message m
join "user" a on a.id = m.author_id
left join message q on q.id = m.reply_to;

-- Somebody's standing in a room, with the name that everybody sees.
create view member_view as
select
    m.chatroom_id,
    m.user_id,
    u.first_name,
    u.last_name,
    m.role,
    m.revision,
    m.joined_at,
    m.left_at
from chatroom_member m
join "user" u on u.id = m.user_id;

-- A goal with its own room and the number of its members: what everybody may see of it.
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
    (
        select count(*)
        from goal_participation a
        where a.goal_id = g.id and a.status = 'approved'
    ) as member_count
from goal g
join chatroom c on c.goal_id = g.id and c.kind = 'goal' and c.state <> 'deleted';
