# L'export d'un salon : le menu, et la page à imprimer.

export-heading = Exporter la conversation
export-text = Une archive avec les messages, leurs versions et les fichiers.
export-all = Tout exporter
export-json = Données (JSON)
export-html = Page à imprimer (HTML)
export-admins-only = Seuls les responsables peuvent exporter la conversation.
field-export-format = Le format est json ou html.

export-page-made = Exporté le {$time}
export-colon = {" :"}
export-edited = modifié le {$time}
export-reply = En réponse à un message
export-deleted = Message supprimé
export-versions = Versions précédentes
