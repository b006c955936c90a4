-- What a search reads, written in the transaction that writes the message.

-- A message's words, and the names of its files, as a search compares them (src/message/search/fold.rs).
create table message_text (
    message_id  bigint primary key references message (id),
    folded      text not null
);

-- The one, two and three letters in a row that occur in it: table `message_gram` with `rowid` = message.id.
{gram_table}

-- Messages up to here are still to be indexed: those written before this table was; the program does it beside its work.
insert into setting (name, value)
select 'search_backlog', cast(coalesce(max(id), 0) as text)
from message;

-- The author may take the previews of a message's links away.
alter table message add column shows_previews bigint not null default 1;
