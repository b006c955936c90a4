# Mentions, notifications et réglages d’une personne.

js-mention-list = Personnes à mentionner
js-mention-all = tout le monde dans la discussion
js-suggestions-one = { $count } suggestion
js-suggestions-other = { $count } suggestions

## La cloche

bell-label = Notifications
notices-heading = Notifications
notices-seen = Tout marquer comme vu
notices-none-here = Rien ici qui vous concerne encore.
notices-empty = Rien pour l’instant. Qui vous mentionne ou vous répond apparaîtra ici.
notices-all = Toutes les notifications
notices-settings = Réglages
levels-label = Me prévenir pour cette discussion
level-all = Tout
level-mentions = Mentions
level-none = Rien
levels-hint = Les mentions comprennent les réponses. Rien : la discussion n’apparaît pas non plus sous la cloche.
told-mention = { $name } vous a mentionné·e dans « { $place } »
told-reply = { $name } vous a répondu dans « { $place } »
told-participation-asked = { $name } demande à rejoindre « { $place } »
told-participation-approved = Bienvenue : { $name } a accepté votre demande pour « { $place } »
told-participation-refused = Votre demande pour « { $place } » a été refusée
told-removed = Vous avez été retiré·e de « { $place } »
told-role-changed = Votre rôle dans « { $place } » est maintenant : { $role }
told-role-member = membre
told-role-admin = admin
told-role-owner = responsable

## Réglages

settings-title = Réglages
settings-look = Langue et apparence
settings-push = Notifications sur ce navigateur
settings-push-text = Palabre peut vous prévenir même si aucune page n’est ouverte. La notification est chiffrée pour ce navigateur ; se déconnecter y met fin.
settings-push-no-script = JavaScript est nécessaire.
settings-push-on = Activer
settings-push-off = Désactiver
settings-push-test = Envoyer un essai
settings-push-show = Montrer le texte des messages
settings-push-show-hint = Sinon, seulement la discussion et le nom : un écran verrouillé peut être lu par d’autres.
settings-yes = Oui
settings-no = Non
settings-mail = Courriel
settings-mail-digest = Un résumé de ce qui vous attend
settings-mail-hint = Mentions et réponses non lues, à { $email }, une fois par heure au plus.
settings-mail-absent = Cette installation n’envoie pas de courriel.
notice-saved = C’est enregistré.
js-push-unsupported = Ce navigateur ne sait pas afficher de notifications.
js-push-denied = Ce navigateur refuse les notifications d’ici. Vous pouvez les autoriser dans ses réglages.
js-push-off = Désactivées sur ce navigateur.
js-push-on = Activées. Vous serez prévenu·e même si aucune page n’est ouverte.
js-push-page-only = Activées tant qu’une page est ouverte. Ce navigateur n’atteint aucun service de notification.
js-push-tested = C’est envoyé. Elle apparaît dans un instant.
js-push-failed = Le service de notification n’en a pas voulu. Réessayez plus tard.

## Ce qui figure dans une notification

push-mention = { $name } vous a mentionné·e
push-reply = { $name } vous a répondu
push-message = { $name } a écrit quelque chose
push-text = { $name } : { $text }
push-test-body = Tout fonctionne : c’est ainsi que vous serez prévenu·e.

## Courriel

mail-subject = { $count ->
    [one] { $count } message vous attend
   *[other] { $count } messages vous attendent
}
mail-hello = Bonjour { $name },
mail-lead = Voici ce qui vous attend sur Palabre :
mail-open = Ouvrir
mail-more = … et { $count } de plus.
mail-why = Vous recevez ce message parce que vous êtes absent·e et que le courriel est activé dans vos réglages.
mail-settings = Réglages
mail-stop = Ne plus recevoir de courriel
unsubscribe-title = Ne plus recevoir de courriel
unsubscribe-text = Vous ne recevrez plus de résumé par courriel. Les notifications dans la page restent.
unsubscribe-confirm = Arrêter les courriels
unsubscribe-done = C’est fait : plus de courriel. Vous pouvez les réactiver dans vos réglages.
