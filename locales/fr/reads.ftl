# Accusés de lecture, non lus, saisie en cours, présence.

sharing-title = Votre vie privée
sharing-lead = Dans les deux sens ou pas du tout : ce que vous ne montrez pas, vous ne le voyez pas chez les autres.
sharing-heading = Lecture et présence
sharing-reads = Accusés de lecture
sharing-reads-hint = Désactivés, personne ne voit quels messages vous avez lus, et vous ne voyez pas qui a lu les vôtres.
sharing-presence = En ligne et dernière visite
sharing-presence-hint = Désactivée, personne ne voit si vous êtes là ni quand vous êtes passé, et vous ne le voyez pas chez les autres.
sharing-on = Montrer
sharing-off = Ne pas montrer
sharing-save = Enregistrer
sharing-link = Vie privée
notice-sharing = Votre choix est enregistré.

message-mark-unread = Marquer comme non lu à partir d’ici
receipts-seen = Vu par
receipts-not-yet = Pas encore
receipts-off = Vous ne montrez pas ce que vous lisez : vous ne le voyez donc pas chez les autres.
receipts-change = Modifier ce choix
receipts-apart = Les personnes qui ne partagent pas leurs accusés ne sont pas comptées.
room-mentions-words = mentions de vous
js-receipt-sent = Envoyé
js-receipt-seen = Vu par {$count} sur {$total}
js-receipt-all = Vu par tout le monde
js-receipt-nobody = Personne ne l’a encore lu
js-unread-since-one = {$count} nouveau message depuis {$time}
js-unread-since-other = {$count} nouveaux messages depuis {$time}
js-typing-one = {$name} est en train d’écrire…
js-typing-two = {$name} et {$other} sont en train d’écrire…
js-typing-several = Plusieurs personnes sont en train d’écrire…
js-presence-online = En ligne
js-presence-away = Absent
js-presence-offline = Hors ligne
js-presence-seen = Vu {$time}
js-marked-unread = Marqué comme non lu
