### Fichiers : envoi, refus, aperçus.

file-too-large = Ce fichier est trop lourd : { $max } Mo au plus.
file-too-large-kb = Ce fichier est trop lourd : { $max } ko au plus.
file-disk-full = Le disque de ce site est presque plein : il ne prend plus de fichiers pour le moment.
file-person-full = Vos fichiers ont atteint { $max } Mo : supprimez des messages avec fichiers pour en envoyer d’autres.
file-storage-full = Ce site ne garde plus de fichiers : son espace est plein.
file-too-many = { $max } fichiers au plus par message.
file-empty = Ce fichier est vide.

composer-attach = Joindre des fichiers
tray-label = Fichiers à envoyer
drop-here = Déposez vos fichiers ici
file-download = Télécharger
lightbox-label = Image en grand
lightbox-previous = Image précédente
lightbox-next = Image suivante

js-file-too-large = « { $name } » est trop lourd : { $size }, { $max } au plus.
js-file-empty = « { $name } » est vide.
js-file-folder = « { $name } » est un dossier ; seuls des fichiers peuvent être joints.
js-file-too-many-one = { $count } fichier au plus par message.
js-file-too-many-other = { $count } fichiers au plus par message.
js-file-remove = Retirer { $name }
js-file-added-one = { $count } fichier joint
js-file-added-other = { $count } fichiers joints
js-upload-progress = Envoi : { $percent }
js-upload-cancel = Annuler l’envoi
js-lightbox-count = { $at } sur { $count }
