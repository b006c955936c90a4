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
