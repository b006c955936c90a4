### Fichiers : envoi, refus, aperçus.

file-too-large = Ce fichier est trop lourd : { $max } Mo au plus.
file-too-large-kb = Ce fichier est trop lourd : { $max } Ko au plus.
file-too-many = { $max } fichiers au plus par message.
file-empty = Ce fichier est vide.
