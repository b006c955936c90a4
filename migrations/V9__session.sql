-- A session gets an id that may be told, and its end is a row: whoever ends it, every server hears of it.

-- The id stands in the live link's tokens; the hash is the key to the session and stands nowhere else.
create table session_next (
    id          {identity},
    token_hash  {blob} not null unique,
    user_id     bigint not null references "user" (id),
    created_at  bigint not null,
    expires_at  bigint not null
);

insert into session_next (token_hash, user_id, created_at, expires_at)
select token_hash, user_id, created_at, expires_at
from session
order by created_at;

drop table session;

alter table session_next rename to session;

create index session_by_user on session (user_id);

-- Sessions that are no more. A server reads what is new here once a second and ends their streams; rows are deleted when no token of theirs
-- can be alive.
create table revocation (
    id          {identity},
    session_id  bigint not null,
    user_id     bigint not null,
    token_hash  {blob} not null,                     -- under which servers keep the session in memory
    noted_at    bigint                               -- when a server first tidied up with this row there; none until then
);

-- {session_triggers}: a deleted session leaves a row in `revocation` and takes its push subscriptions along; an account that is not 'active'
-- any more loses its sessions. Triggers, so that it also holds for what somebody changes by hand.
{session_triggers}
