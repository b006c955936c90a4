# Read receipts, what is unread, typing, presence.

sharing-title = Your privacy
sharing-lead = Both ways or not at all: what you do not show, you do not see of others.
sharing-heading = Reading and being here
sharing-reads = Read receipts
sharing-reads-hint = When this is off, nobody sees which messages you have read, and you do not see who has read yours.
sharing-presence = Online and last seen
sharing-presence-hint = When this is off, nobody sees whether you are here or when you last were, and you do not see it of others.
sharing-on = Show it
sharing-off = Do not show it
sharing-save = Save
sharing-link = Privacy
notice-sharing = Your choice is kept.

message-mark-unread = Mark as unread from here
receipts-seen = Seen by
receipts-not-yet = Not yet
receipts-off = You do not show what you read, so you do not see it of others.
receipts-change = Change this
receipts-apart = Who does not share receipts is not counted.
room-mentions-words = mentions of you
js-receipt-sent = Sent
js-receipt-seen = Seen by {$count} of {$total}
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
js-marked-unread = Marked as unread
