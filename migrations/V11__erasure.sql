-- What is deleted is erased: when, and what is left of it.

alter table chatroom add column deleted_at bigint;   -- since when it is invisible; its content goes some days later
alter table chatroom add column erased_at bigint;    -- when its content went

-- What was found behind an address goes with the last message that shows it.
create index message_link_url on message_link (url);
