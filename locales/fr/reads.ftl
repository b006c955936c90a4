# Accusés de lecture, non lus, saisie en cours, présence.

sharing-heading = Lecture et présence
sharing-reads = Montrer quels messages j’ai lus
sharing-reads-hint = Si vous ne le montrez pas, vous ne voyez pas non plus qui a lu les vôtres.
sharing-presence = Montrer quand je suis là
sharing-presence-hint = En ligne ou dernière visite. Si vous ne le montrez pas, vous ne le voyez pas non plus chez les autres.

message-mark-unread = Marquer comme non lu à partir d’ici
receipts-seen = Vu par
receipts-not-yet = Pas encore
receipts-off = Vous ne montrez pas ce que vous lisez : vous ne le voyez donc pas chez les autres.
receipts-change = Modifier ce choix
receipts-apart = Les personnes qui ne partagent pas leurs accusés ne sont pas comptées.
room-mentions-words = mentions de vous
js-receipt-sent = Envoyé
js-receipt-seen = Vu par {$count} sur {$total}
js-receipt-seen-least = Vu par {$count}
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
