# Mentions, notifications, and a person's settings.

js-mention-list = People to mention
js-mention-all = everybody in the room
js-suggestions-one = { $count } suggestion
js-suggestions-other = { $count } suggestions
