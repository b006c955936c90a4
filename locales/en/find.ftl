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
