-- A stand-in for the store's own tests.
create table note (
  id {identity},
  room bigint not null,
  body text not null,
  bytes {blob}
);
create index note_room on note (room, id);
create table counter (room bigint primary key, top bigint not null);
