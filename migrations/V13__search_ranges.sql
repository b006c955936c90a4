-- A search looks at a range of ids at a time, the newest first: the index says which ids are in a range.
{gram_ranges}
