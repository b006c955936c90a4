-- Bytes of the file store that no message wants any more: noted with the change that lets them go, deleted right after.

create table forgotten_file (
    name  text primary key  -- in the file store
);
