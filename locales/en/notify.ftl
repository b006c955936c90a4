# Mentions, notifications, and a person's settings.

js-mention-list = People to mention
js-mention-all = everybody in the room
js-suggestions-one = { $count } suggestion
js-suggestions-other = { $count } suggestions

## The bell

bell-label = Notifications
notices-heading = Notifications
notices-seen = Mark all as seen
notices-none-here = Nothing here that still concerns you.
notices-empty = Nothing yet. Whoever mentions or answers you will appear here.
notices-all = All notifications
notices-settings = Settings
levels-label = Tell me of this conversation
level-all = All
level-mentions = Mentions
level-none = Nothing
levels-hint = Mentions include answers to you. Nothing also keeps this conversation out of the bell.
told-mention = { $name } mentioned you in “{ $place }”
told-reply = { $name } answered you in “{ $place }”
told-participation-asked = { $name } asks to join “{ $place }”
told-participation-approved = Welcome: { $name } accepted your request for “{ $place }”
told-participation-refused = Your request for “{ $place }” was refused
told-removed = You were removed from “{ $place }”
told-role-changed = Your role in “{ $place }” is now: { $role }
told-role-member = member
told-role-admin = admin
told-role-owner = owner

## Settings

settings-title = Settings
settings-look = Language and appearance
settings-push = Notifications on this browser
settings-push-text = Palabre can tell you what is new while no page is open. The notification is encrypted for this browser; signing out ends it.
settings-push-no-script = This needs JavaScript.
settings-push-on = Turn on
settings-push-off = Turn off
settings-push-test = Send a test
settings-push-show = Show the text of messages
settings-push-show-hint = Otherwise only the conversation and the name: a locked screen can be read by others.
settings-yes = Yes
settings-no = No
settings-mail = Mail
settings-mail-digest = A summary of what waits for you
settings-mail-hint = Mentions and answers that you have not read, to { $email }, at most once an hour.
settings-mail-absent = This installation sends no mail.
notice-saved = Saved.
js-push-unsupported = This browser cannot show notifications.
js-push-denied = This browser refuses notifications from here. You can allow them in its settings.
js-push-off = Off on this browser.
js-push-on = On. You will be told even when no page is open.
js-push-page-only = On while a page is open. This browser reaches no push service.
js-push-tested = Sent. It appears in a moment.
js-push-failed = The push service did not take it. Try again later.

## What stands in a notification

push-mention = { $name } mentioned you
push-reply = { $name } answered you
push-message = { $name } wrote something
push-text = { $name }: { $text }
push-test-body = It works: this is how you will be told.

## Mail

mail-subject = { $count ->
    [one] { $count } message waits for you
   *[other] { $count } messages wait for you
}
mail-hello = Hello { $name },
mail-lead = This is what waits for you on Palabre:
mail-open = Open
mail-more = … and { $count } more.
mail-why = You get this because you are away and mail is on in your settings.
mail-settings = Settings
mail-stop = No more mail
unsubscribe-title = No more mail
unsubscribe-text = You will get no more summaries by mail. Notifications in the page stay.
unsubscribe-confirm = Stop the mails
unsubscribe-done = Done: no more mail. You can turn it on again in your settings.
