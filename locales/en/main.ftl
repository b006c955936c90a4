# Palabre, English texts.
# Same keys as locales/fr/main.ftl. The js-… keys are read raw by the browser:
# plain text and {$name}, never a selector; a plural is two keys there, -one and -other.

## The site

site-name = Palabre
site-tagline = Under the tree, we talk.
site-description = The conversation of your goals, live, on your own server.
skip-to-content = Skip to content
skip-to-composer = Skip to the message box
nav-label = Main navigation
nav-home = Palabre, home
nav-goals = Goals
nav-new-goal = New goal
nav-login = Sign in
nav-register = Create an account
nav-logout = Sign out
nav-account = Your account
nav-site-admin = Site administrator
preference-language = Language
preference-theme = Appearance
preference-theme-auto = Auto
preference-theme-light = Light
preference-theme-dark = Dark
realtime-mode = How the whole site hears of news
realtime-mode-hybrid = Hybrid
realtime-mode-mercure = Push
realtime-mode-polling = Polling
close = Close
cancel = Cancel
optional = optional
date-range = { $start } to { $end }
date-from = From { $start }
date-until = Until { $end }
date-day = { $day } { $month } { $year }
date-month-01 = Jan
date-month-02 = Feb
date-month-03 = Mar
date-month-04 = Apr
date-month-05 = May
date-month-06 = Jun
date-month-07 = Jul
date-month-08 = Aug
date-month-09 = Sep
date-month-10 = Oct
date-month-11 = Nov
date-month-12 = Dec

## Signing in

login-title = Sign in
login-heading = Good to see you again
login-lead = Pick the conversation up where you left it.
login-email = Email address
login-password = Password
login-submit = Sign in
login-no-account = No account yet?
login-create-account = Create an account
login-failed = Wrong email address or password.
login-suspended = This account is suspended. Write to the person who runs this site.
form-has-errors = A few things to put right before going on.

## Creating an account

register-title = Create an account
register-heading = Take a seat under the tree
register-lead = One account is all you need to join the goals of this site.
register-first-heading = Welcome to Palabre
register-first-lead = Create the first account: it will administer this site.
register-first-name = First name
register-last-name = Last name
register-email = Email address
register-password = Password
register-password-hint = A phrase of a few words works very well.
register-submit = Create my account
register-first-submit = Create the first account
register-code = Code of the first account
register-code-hint = The server printed it where it was started (docker logs, journalctl).
register-have-account = Already have an account?
register-login = Sign in
registration-closed = Registration is closed on this site. Ask the person who runs it for an invitation.
registration-closed-heading = Registration is closed

## Goals

goal-index-title = Goals
goal-index-heading = Goals
goal-index-lead = Every goal has its own conversation. Join the ones that matter to you.
goal-index-mine = Yours
goal-index-empty-heading = No goals yet
goal-index-empty-text = A goal brings together people, a date and a conversation. Create the first one and bring people in.
goal-index-empty-text-anonymous = Nobody has created a goal here yet. Sign in to open the first one.
goal-index-others = To discover
goals-all = All goals
goals-found = Found
goals-all-mine = { $count ->
    [one] The one that you are in
   *[other] All { $count } of yours
}
goals-search = Search in titles and descriptions
goals-search-long = { $max } characters at most.
goals-order = Order
goals-order-activity = Active lately
goals-order-newest = Newest first
goals-order-title = By title
goals-show = Show
goals-none = No goal matches.
goals-none-yet = None in this part of the list.
pager-label = Pages
pager-first = To the beginning
pager-next = Further
goal-index-none-mine = You are not part of any goal yet. Ask to join one, or create your own.
goal-new-title = New goal
goal-new-heading = New goal
goal-new-lead = You will be its owner, and its conversation opens right away.
goal-field-title = Title
goal-field-title-hint = Short and telling, for instance “Renovate the common room”.
goal-field-description = Description
goal-field-description-hint = What you want to achieve, and for whom.
goal-field-start-date = Start
goal-field-end-date = Due date
goal-field-history = What newcomers can read
goal-history-all = The whole conversation, from the start
goal-history-none = Only what is said after they arrive
goal-new-submit = Create the goal
goal-status-active = Active
goal-status-completed = Achieved
goal-status-paused = Paused
goal-status-cancelled = Cancelled
goal-progress = Progress
goal-progress-value = { $progress }%
goal-member-count =
    { $count ->
        [0] Nobody yet
        [one] 1 person
       *[other] { $count } people
    }
goal-no-description = No description yet.
goal-open-room = Open the conversation
goal-ask-to-join = Ask to join
goal-login-to-join = Sign in to join
goal-pending-heading = Your request is on its way
goal-pending-text = Someone who administers this goal will answer it. The conversation opens as soon as you are accepted.
goal-pending-short = Request pending
goal-join-heading = Want to take part?
goal-join-text = Ask to join: the conversation opens to you as soon as someone who administers the goal accepts.
goal-back = All goals

## Participation

role-member = Member
role-admin = Admin
role-owner = Owner
role-you = you
people-heading = People
people-search = Find somebody by name
people-search-submit = Find
people-search-long = { $max } characters at most.
js-people-none = Nobody of that name.
people-all = All { $count } people
js-people-found-one = 1 person
js-people-found-other = {$count} people
js-people-found-more = {$count} people, and more
people-panel = People and requests
requests-heading = Requests to decide
requests-empty = No pending requests.
person-alike = Another person here has a name that looks the same.
request-approve = Accept
request-approve-label = Accept { $name }
request-refuse = Decline
request-refuse-label = Decline { $name }
member-manage-label = Manage { $name }’s participation
member-role-label = Role of { $name }
member-role-submit = Change role
member-remove = Remove from the goal
member-remove-text = { $name } will no longer see the conversation. Their messages stay.
member-remove-confirm = Yes, remove
member-hand-over = Hand over ownership
member-hand-over-text = { $name } will own the goal and you will stay on as admin. You cannot take it back without their consent.
member-hand-over-confirm = Yes, hand over
member-leave = Leave the goal
member-leave-text = You will no longer see its conversation. To come back, you will have to ask again.
member-leave-confirm = Yes, leave
owner-cannot-leave = You own this goal: hand it over before leaving.

## Room

room-rooms = Conversations
room-rooms-panel = Conversations and account
room-open-rooms = Open the list of conversations
room-open-people = Open the list of people
room-goal-page = See the goal’s page
room-unread-words = unread messages
room-messages-label = Messages
room-locked-mark = locked
room-archived-mark = archived
room-intro-heading = The conversation starts here
room-intro-text = Everything said about “{ $title }” begins here.
room-empty-heading = The floor is yours
room-empty-text = Nobody has said anything about “{ $title }” yet. A simple hello is enough to begin.
room-load-earlier = Show earlier messages
room-no-script = Without JavaScript, new messages do not appear by themselves.
room-reload = Refresh
room-offline-banner = You are offline. Your messages will leave as soon as the connection is back.
room-signed-out-banner = You are signed out. Your drafts are kept here.
sign-out-heading = Not sent yet
sign-out-give-up = Sign out all the same
js-sign-out-unsent-one = {$count} message has not left this browser. It is lost when you sign out now.
js-sign-out-unsent-other = {$count} messages have not left this browser. They are lost when you sign out now.
room-locked = This conversation is locked: it can be read, but no longer written in.
room-locked-hint = Someone who administers the goal can reopen it.
room-archived = This conversation is archived: it can be read, but no longer written in.
room-archived-hint = Someone who administers the goal can restore it.

## Messages and composer

message-actions = Actions on this message
message-reply = Reply
message-edit = Edit
message-delete = Delete
message-system = This line was written by the conversation itself.
reaction-too-many = A message can carry at most { $max } different emoji.
pin-too-many = At most { $max } messages can be pinned at the same time.
message-deleted = Message deleted
message-quote-label = In reply to
message-delete-heading = Delete this message?
message-delete-text = It disappears for everyone; a trace stays in its place. This cannot be undone.
message-delete-confirm = Delete
composer-label = Your message
composer-placeholder = Write a message…
composer-hint = Enter sends, Shift + Enter breaks the line. Markdown works.
composer-send = Send
composer-save = Save
composer-replying-to = Replying to { $name }
composer-editing = Editing your message

## Errors: the whole page

error-home = Back to the goals
error-unauthenticated-title = Please sign in
error-unauthenticated = Sign in to continue.
error-forbidden-title = Not allowed
error-forbidden = You do not have the right to do this.
error-not-found-title = Page not found
error-not-found = This page does not exist, or it is not open to you.
error-conflict-title = Not possible right now
error-too-large-title = Too large
error-too-large = What you are sending is over the accepted size.
error-invalid-title = Please check
error-invalid = Some of the information needs correcting.
error-too-many-title = A little too fast
error-full-title = No room left
error-unavailable-title = Service unavailable
error-unavailable = The service is not answering right now. Try again in a moment.
error-internal-title = Something went wrong
error-internal = Something went wrong on our side. Try again; if it keeps happening, tell the person who runs this site.

## Errors: one field

field-required = This field is needed.
field-email = This email address is not valid.
field-email-taken = An account with this address already exists.
field-password-short = At least { $min } characters are needed.
field-password-long = This password is too long.
field-name-long = { $max } characters at most.
field-name-unseen = This name shows nothing: at least one letter or sign that can be seen is needed.
field-first-code-missing = The code that the server printed at its start is needed.
field-first-code-wrong = This is not the code that the server printed at its last start.
field-title-length = Between { $min } and { $max } characters.
field-description-long = { $max } characters at most.
field-date = This date is not valid.
field-end-before-start = The due date must come after the start.
field-message-empty = The message is empty.
field-message-long = The message has { $length } characters; { $max } at most.
field-nonce = The sending identifier is not valid.
field-nonce-reused = This identifier was already used for another message.
field-reply-unknown = The message you are replying to does not exist in this conversation.
field-role = There is no such role.
field-encoding = This text cannot be read: it must be UTF-8.
field-attachment-unsupported = No file is expected here.
field-emoji = This is not an emoji.
field-truth = Yes or no is expected (true or false).
field-number = A number is expected.

## Errors: one action

too-many-attempts =
    { $seconds ->
        [one] Too many attempts. Try again in one second.
       *[other] Too many attempts. Try again in { $seconds } seconds.
    }
too-many-attempts-minutes = Too many attempts. Try again in { $minutes } minutes.
too-many-attempts-hours = Too many attempts. Try again in { $hours } hours.
goals-too-many = You own { $max } goals, which is as many as one person may have.
owner-must-hand-over = Hand the goal over first: it always needs an owner.
already-member = This person is already part of the goal.
foreign-origin = This request comes from another site; it was refused.

## Notices after an action

notice-signed-out = You are signed out. See you soon!
notice-joined-asked = Your request is on its way. The conversation opens as soon as it is accepted.
notice-approved = The request is accepted.
notice-refused = The request is declined.
notice-left = You have left the goal.
notice-removed = The person is no longer part of the goal.
notice-goal-created = The goal is created. Its conversation is open.
notice-handed-over = The goal is handed over.
notice-role-changed = The role is changed.

## Texts of the browser

js-connection-live = Live
js-connection-sse = Live
js-connection-longpoll = Nearly live
js-connection-polling = Refreshing regularly
js-connection-connecting = Connecting…
js-connection-offline = Offline
js-connection-signed-out = Signed out
js-sending = Sending…
js-sent = Sent
js-failed = Message not sent.
js-retry = Try again
js-discard = Discard
js-queued-offline = Waiting for the connection
js-today = Today
js-yesterday = Yesterday
js-new-messages = New messages
js-jump-latest-one = 1 new message
js-jump-latest-other = {$count} new messages
js-jump-latest = Back to the latest messages
js-replying-to = Replying to {$name}
js-editing = Editing your message
js-cancel = Cancel
js-load-earlier = Show earlier messages
js-loading = Loading…
js-beginning = Start of the conversation
js-removed-from-room = You no longer have access to this conversation.
js-room-locked = This conversation is read-only.
js-wants-to-join = {$name} asks to join
js-copied = Copied
js-edited-at = Edited at {$time}
js-message-too-long = {$max} characters at most.
js-network-error = The server is not answering. Check your connection.
js-save = Save
js-send = Send
js-unread-one = 1 unread message
js-unread-other = {$count} unread messages
js-draft = Draft
js-message-deleted = Message deleted
