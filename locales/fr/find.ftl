# Recherche, mise en forme, emoji, aperçus de liens.

## Les emoji

composer-emoji = Ajouter un emoji
js-emoji-label = Choisir un emoji
js-emoji-search = Chercher un emoji
js-emoji-none = Aucun emoji de ce nom.
js-emoji-recent = Récents
js-emoji-found = Trouvés
js-emoji-group-0 = Visages et émotions
js-emoji-group-1 = Personnes et gestes
js-emoji-group-2 = Animaux et nature
js-emoji-group-3 = À boire et à manger
js-emoji-group-4 = Voyages et lieux
js-emoji-group-5 = Activités
js-emoji-group-6 = Objets
js-emoji-group-7 = Symboles
js-emoji-group-8 = Drapeaux
js-emoji-tone-0 = Couleur de peau : par défaut
js-emoji-tone-1 = Couleur de peau : claire
js-emoji-tone-2 = Couleur de peau : moyennement claire
js-emoji-tone-3 = Couleur de peau : moyenne
js-emoji-tone-4 = Couleur de peau : moyennement foncée
js-emoji-tone-5 = Couleur de peau : foncée

## La recherche

search-title = Rechercher
search-in-room = Rechercher dans la conversation
search-everywhere = Rechercher dans vos conversations
search-label = Que cherchez-vous ?
search-submit = Rechercher
search-close = Fermer la recherche
search-filters = Affiner
search-author = De
search-anybody = Tout le monde
search-room = Dans
search-any-room = Toutes vos conversations
search-from = À partir du
search-to = Jusqu’au
search-has-file = Avec un fichier
search-none = Aucun message ne correspond.
search-none-hint = Essayez un seul mot, ou une partie d’un mot.
search-none-yet = Rien dans les messages les plus récents.
search-more = Plus anciens
search-back = Retour à la conversation
search-too-short = Écrivez au moins { $min } caractères.
search-too-long = { $max } caractères et seize mots au plus.
js-search-none = Aucun message ne correspond.
js-search-none-yet = Rien dans les messages les plus récents.
js-search-count-one = 1 message
js-search-count-other = {$count} messages
js-search-more = {$count} messages et d’autres plus anciens
js-search-too-short = Écrivez au moins 2 caractères.
context-heading = Ce qui se disait autour
context-later = Afficher la suite

## La mise en forme

format-bar = Mise en forme
format-bold = Gras (Ctrl+B)
format-italic = Italique (Ctrl+I)
format-strike = Barré (Ctrl+Maj+X)
format-code = Code (Ctrl+E)
format-link = Lien (Ctrl+K)
format-list = Liste (Ctrl+Maj+8)
format-quote = Citation (Ctrl+Maj+9)
format-preview = Aperçu avant l’envoi
js-copy-code = Copier le code
js-preview-empty = Rien à montrer pour l’instant.
js-preview-remove = Envoyer sans l’aperçu de ce lien
js-preview-removed = Ce lien partira sans aperçu.
message-previews-remove = Retirer l’aperçu des liens
js-emoji-suggest = Emoji
