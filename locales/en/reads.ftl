# Read receipts, what is unread, typing, presence.

sharing-heading = Reading and being here
sharing-reads = Show which messages I have read
sharing-reads-hint = Off, nobody sees which messages you have read, and you do not see who has read yours.
sharing-presence = Show when I am here
sharing-presence-hint = Off, nobody sees whether you are here or when you last were, and you do not see it of others.

message-mark-unread = Mark as unread from here
receipts-seen = Seen by
receipts-not-yet = Not yet
receipts-off = You do not show what you read, so you do not see it of others.
receipts-change = Change this
receipts-apart = Who does not share receipts is not counted.
room-mentions-words = mentions of you
js-receipt-sent = Sent
js-receipt-seen = Seen by {$count} of {$total}
js-receipt-seen-least = Seen by {$count}
js-receipt-all = Seen by everyone
js-receipt-nobody = Nobody has read it yet
js-unread-since-one = {$count} new message since {$time}
js-unread-since-other = {$count} new messages since {$time}
js-typing-one = {$name} is typing…
js-typing-two = {$name} and {$other} are typing…
js-typing-several = Several people are typing…
js-presence-online = Online
js-presence-away = Away
js-presence-offline = Offline
js-presence-seen = Last seen {$time}
