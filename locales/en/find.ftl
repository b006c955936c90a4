# Search, formatting, emoji, link previews.

## Emoji

composer-emoji = Add an emoji
js-emoji-label = Choose an emoji
js-emoji-search = Search for an emoji
js-emoji-none = No emoji of that name.
js-emoji-recent = Recent
js-emoji-found = Found
js-emoji-group-0 = Faces and feelings
js-emoji-group-1 = People and gestures
js-emoji-group-2 = Animals and nature
js-emoji-group-3 = Food and drink
js-emoji-group-4 = Travel and places
js-emoji-group-5 = Activities
js-emoji-group-6 = Objects
js-emoji-group-7 = Symbols
js-emoji-group-8 = Flags
js-emoji-tone-0 = Skin tone: default
js-emoji-tone-1 = Skin tone: light
js-emoji-tone-2 = Skin tone: medium light
js-emoji-tone-3 = Skin tone: medium
js-emoji-tone-4 = Skin tone: medium dark
js-emoji-tone-5 = Skin tone: dark

## Search

search-title = Search
search-in-room = Search in the conversation
search-everywhere = Search in your conversations
search-label = What are you looking for?
search-submit = Search
search-close = Close the search
search-filters = Narrow down
search-author = From
search-anybody = Anybody
search-room = In
search-any-room = All your conversations
search-from = Since
search-to = Until
search-has-file = With a file
search-none = No message matches.
search-none-hint = Try a single word, or a part of one.
search-none-yet = Nothing in the newest messages.
search-more = Older ones
search-back = Back to the conversation
search-too-short = Write at least { $min } characters.
search-too-long = { $max } characters and sixteen words at most.
js-search-none = No message matches.
js-search-none-yet = Nothing in the newest messages.
js-search-count-one = 1 message
js-search-count-other = {$count} messages
js-search-more = {$count} messages, and older ones
js-search-too-short = Write at least 2 characters.
context-heading = What was being said around it
context-later = Show what followed

## Formatting

format-bar = Formatting
format-bold = Bold (Ctrl+B)
format-italic = Italic (Ctrl+I)
format-strike = Strikethrough (Ctrl+Shift+X)
format-code = Code (Ctrl+E)
format-link = Link (Ctrl+K)
format-list = List (Ctrl+Shift+8)
format-quote = Quote (Ctrl+Shift+9)
format-preview = Preview before sending
js-copy-code = Copy the code
js-preview-empty = Nothing to show yet.
js-preview-remove = Send without the preview of this link
js-preview-removed = This link will be sent without a preview.
message-previews-remove = Remove the link previews
js-emoji-suggest = Emoji
