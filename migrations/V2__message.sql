-- What belongs to a message: files, reactions, earlier versions, pins, receipts, and what a person hides or hears of.
-- The words are those of V1: times are UTC microseconds, a yes/no is 0 or 1.

-- A file of a message. The bytes lie in the file store under `storage_name`, never under a name that somebody chose.
create table attachment (
    id               {identity},
    message_id       bigint not null references message (id),
    ordinal          bigint not null,                 -- its place in the message, from 0
    kind             text not null,                   -- 'image', 'video', 'audio', 'voice', 'file'
    name             text not null,                   -- as the sender's computer called it; shown, never opened
    media_type       text not null,                   -- judged from the bytes
    size             bigint not null,                 -- bytes
    sha256           {blob} not null,
    storage_name     text not null unique,
    width            bigint,                          -- pixels, upright
    height           bigint,
    duration_ms      bigint,
    waveform         text,                            -- 64 peaks, each 00 to ff
    thumbnail_name   text unique,                     -- in the file store, when there is a smaller picture
    thumbnail_width  bigint,
    thumbnail_height bigint,
    unique (message_id, ordinal)
);

create table message_reaction (
    message_id  bigint not null references message (id),
    user_id     bigint not null references "user" (id),
    emoji       text not null,
    created_at  bigint not null,
    primary key (message_id, user_id, emoji)
);

-- What a message said before an edit: for those who moderate.
create table message_version (
    message_id  bigint not null references message (id),
    revision    bigint not null,                      -- of the change that put this content there
    content     text not null,
    written_at  bigint not null,
    primary key (message_id, revision)
);

alter table message add column pinned_at bigint;
alter table message add column pinned_by bigint references "user" (id);
alter table message add column system text;           -- what a system message tells: 'joined', 'left', 'goal_done', 'room_locked', …

create index message_pinned on message (chatroom_id, pinned_at);

-- Hidden for one person, on all of that person's devices.
create table message_hidden (
    user_id      bigint not null references "user" (id),
    message_id   bigint not null references message (id),
    chatroom_id  bigint not null references chatroom (id),
    primary key (user_id, message_id)
);

create index message_hidden_room on message_hidden (user_id, chatroom_id);

-- "Has read everything up to here", a row per advance. The present mark is chatroom_member.read_position.
create table message_read_receipt (
    chatroom_id  bigint not null references chatroom (id),
    user_id      bigint not null references "user" (id),
    position     bigint not null,
    read_at      bigint not null,
    primary key (chatroom_id, user_id, position)
);

-- Counters beside the room's revision: they say that a poll has to look, not in which order things happened.
alter table chatroom add column reads bigint not null default 0;        -- receipts of anybody
alter table chatroom_member add column hides bigint not null default 0; -- what this member hid

-- Whom a message names; `user_id` 0 is nobody: @all is a row for each member then.
create table message_mention (
    message_id   bigint not null references message (id),
    user_id      bigint not null references "user" (id),
    chatroom_id  bigint not null references chatroom (id),
    position     bigint not null,
    primary key (message_id, user_id)
);

create index message_mention_user on message_mention (user_id, chatroom_id, position);

alter table notification add column message_id bigint references message (id);

alter table "user" add column shows_reads bigint not null default 1;
alter table "user" add column email_notices text not null default 'digest';  -- 'digest', 'none'
alter table "user" add column seen_at bigint;                                -- last sign of life, by the minute
alter table "user" add column mailed_revision bigint not null default 0;     -- own events up to here were mailed or seen

-- A browser that wants to be told (RFC 8030).
create table push_subscription (
    id          {identity},
    user_id     bigint not null references "user" (id),
    endpoint    text not null unique,
    p256dh      text not null,
    auth        text not null,
    created_at  bigint not null
);

create index push_subscription_user on push_subscription (user_id);

-- What was found behind a link, fetched once for all.
create table link_preview (
    url          text primary key,
    title        text not null,
    description  text not null,
    site         text not null,
    fetched_at   bigint not null
);

-- Which links of a message show a preview.
create table message_link (
    message_id  bigint not null references message (id),
    ordinal     bigint not null,
    url         text not null references link_preview (url),
    primary key (message_id, ordinal)
);

drop view message_view;

-- A message as everybody may see it: with its author's name and the place of the message it answers.
create view message_view as
select
    m.id,
    m.chatroom_id,
    m.author_id,
    a.first_name as author_first_name,
    a.last_name as author_last_name,
    m.kind,
    m.system,
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
    m.deleted_at,
    m.pinned_at
from message m
join "user" a on a.id = m.author_id
left join message q on q.id = m.reply_to;
