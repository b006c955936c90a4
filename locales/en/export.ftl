# The export of a room: its menu, and the page to print.

export-heading = Export the conversation
export-text = An archive with the messages, their versions and the files.
export-all = Export everything
export-json = Data (JSON)
export-html = Page to print (HTML)
export-admins-only = Only owners and admins may export the conversation.
field-export-format = The format is json or html.

export-page-made = Exported on {$time}
export-colon = :
export-edited = edited on {$time}
export-reply = In reply to a message
export-deleted = Message deleted
export-versions = Earlier versions
