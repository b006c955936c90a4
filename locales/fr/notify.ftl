# Mentions, notifications et réglages d’une personne.

js-mention-list = Personnes à mentionner
js-mention-all = tout le monde dans la discussion
js-suggestions-one = { $count } suggestion
js-suggestions-other = { $count } suggestions
