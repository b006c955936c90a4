### Files: sending, refusals, previews.

file-too-large = This file is too large: { $max } MB at most.
file-too-large-kb = This file is too large: { $max } KB at most.
file-too-many = At most { $max } files a message.
file-empty = This file is empty.
