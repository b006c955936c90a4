-- What the files of each person take of the store: kept in the transaction that adds or forgets them, so that nothing is counted anew.
create table storage_use (
    user_id    bigint primary key,  -- 0 is everybody together
    bytes      bigint not null,     -- of the files of messages that are there
    day        bigint not null,     -- of the last upload: days since 1970-01-01 in UTC
    day_bytes  bigint not null      -- uploaded on that day, also what was deleted since
);

insert into storage_use (user_id, bytes, day, day_bytes)
select m.author_id, sum(a.size), 0, 0
from attachment a
join message m on m.id = a.message_id
group by m.author_id;

insert into storage_use (user_id, bytes, day, day_bytes)
select 0, coalesce(sum(bytes), 0), 0, 0
from storage_use;
