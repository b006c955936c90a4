### Files: sending, refusals, previews.

file-too-large = This file is too large: { $max } MB at most.
file-too-large-kb = This file is too large: { $max } kB at most.
file-disk-full = The disk of this site is almost full: it takes no more files for now.
file-person-full = Your files have reached { $max } MB: delete some messages with files to send new ones.
file-storage-full = This site keeps no more files: its storage is full.
file-too-many = At most { $max } files a message.
file-empty = This file is empty.

composer-attach = Attach files
tray-label = Files to send
drop-here = Drop your files here
file-download = Download
lightbox-label = Picture in full
lightbox-previous = Previous picture
lightbox-next = Next picture

js-file-too-large = “{ $name }” is too large: { $size }, at most { $max }.
js-file-empty = “{ $name }” is empty.
js-file-folder = “{ $name }” is a folder; only files can be attached.
js-file-too-many-one = At most { $count } file a message.
js-file-too-many-other = At most { $count } files a message.
js-file-remove = Remove { $name }
js-file-added-one = { $count } file attached
js-file-added-other = { $count } files attached
js-upload-progress = Sending: { $percent }
js-upload-cancel = Cancel sending
js-lightbox-count = { $at } of { $count }
