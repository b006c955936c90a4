# Palabre, textes français.
# Mêmes clés dans locales/en/main.ftl. Les clés js-… sont lues telles quelles par le navigateur :
# texte simple et {$nom}, jamais de sélecteur ; un pluriel s'y écrit en deux clés, -one et -other.

## Le site

site-name = Palabre
site-tagline = Sous l’arbre, on se parle.
site-description = La conversation de vos objectifs, en direct, chez vous.
skip-to-content = Aller au contenu
skip-to-composer = Aller à la saisie
nav-label = Navigation principale
nav-home = Palabre, accueil
nav-goals = Objectifs
nav-new-goal = Nouvel objectif
nav-login = Se connecter
nav-register = Créer un compte
nav-logout = Se déconnecter
nav-account = Votre compte
nav-site-admin = Administration du site
preference-language = Langue
preference-theme = Apparence
preference-theme-auto = Auto
preference-theme-light = Clair
preference-theme-dark = Sombre
realtime-mode = Comment tout le site apprend les nouvelles
realtime-mode-hybrid = Hybride
realtime-mode-mercure = Poussée
realtime-mode-polling = Sondage
close = Fermer
cancel = Annuler
optional = facultatif
date-range = Du { $start } au { $end }
date-from = À partir du { $start }
date-until = Jusqu’au { $end }
date-day =
    { $day ->
        [1] 1er { $month } { $year }
       *[other] { $day } { $month } { $year }
    }
date-month-01 = janv.
date-month-02 = févr.
date-month-03 = mars
date-month-04 = avr.
date-month-05 = mai
date-month-06 = juin
date-month-07 = juil.
date-month-08 = août
date-month-09 = sept.
date-month-10 = oct.
date-month-11 = nov.
date-month-12 = déc.

## Connexion

login-title = Connexion
login-heading = Heureux de vous revoir
login-lead = Reprenez la conversation là où vous l’avez laissée.
login-email = Adresse e-mail
login-password = Mot de passe
login-submit = Se connecter
login-no-account = Pas encore de compte ?
login-create-account = Créer un compte
login-failed = Adresse e-mail ou mot de passe incorrect.
login-suspended = Ce compte est suspendu. Écrivez à la personne qui administre ce site.
form-has-errors = Quelques points à revoir avant de continuer.

## Création de compte

register-title = Créer un compte
register-heading = Prenez place sous l’arbre
register-lead = Un compte suffit pour rejoindre les objectifs de ce site.
register-first-heading = Bienvenue sur Palabre
register-first-lead = Créez le premier compte : il administrera ce site.
register-first-name = Prénom
register-last-name = Nom
register-email = Adresse e-mail
register-password = Mot de passe
register-password-hint = Une phrase de quelques mots convient très bien.
register-submit = Créer mon compte
register-first-submit = Créer le premier compte
register-code = Code du premier compte
register-code-hint = Le serveur l’a affiché là où il a été lancé (docker logs, journalctl).
register-have-account = Vous avez déjà un compte ?
register-login = Se connecter
registration-closed = Les inscriptions sont fermées sur ce site. Demandez une invitation à la personne qui l’administre.
registration-closed-heading = Inscriptions fermées

## Objectifs

goal-index-title = Objectifs
goal-index-heading = Objectifs
goal-index-lead = Chaque objectif a sa conversation. Rejoignez ceux qui vous concernent.
goal-index-mine = Les vôtres
goal-index-empty-heading = Aucun objectif pour l’instant
goal-index-empty-text = Un objectif réunit des personnes, une échéance et une conversation. Créez le premier et invitez-y du monde.
goal-index-empty-text-anonymous = Personne n’a encore créé d’objectif ici. Connectez-vous pour ouvrir le premier.
goal-index-others = À découvrir
goals-all = Tous les objectifs
goals-found = Résultats
goals-all-mine = { $count ->
    [one] Celui auquel vous participez
   *[other] Vos { $count } objectifs
}
goals-search = Rechercher dans les titres et les descriptions
goals-search-long = { $max } caractères au plus.
goals-order = Ordre
goals-order-activity = Actifs récemment
goals-order-newest = Les plus récents
goals-order-title = Par titre
goals-show = Afficher
goals-none = Aucun objectif ne correspond.
goals-none-yet = Aucun dans cette partie de la liste.
pager-label = Pages
pager-first = Revenir au début
pager-next = Suite
goal-index-none-mine = Vous ne participez encore à aucun objectif. Demandez à en rejoindre un, ou créez le vôtre.
goal-new-title = Nouvel objectif
goal-new-heading = Nouvel objectif
goal-new-lead = Vous en serez responsable ; sa conversation s’ouvre aussitôt.
goal-field-title = Titre
goal-field-title-hint = Court et parlant, par exemple « Rénover la salle commune ».
goal-field-description = Description
goal-field-description-hint = Ce que vous voulez atteindre, et pour qui.
goal-field-start-date = Début
goal-field-end-date = Échéance
goal-field-history = Ce que lisent les nouveaux venus
goal-history-all = Toute la conversation, depuis le début
goal-history-none = Seulement ce qui se dit après leur arrivée
goal-new-submit = Créer l’objectif
goal-status-active = En cours
goal-status-completed = Atteint
goal-status-paused = En pause
goal-status-cancelled = Abandonné
goal-progress = Avancement
goal-progress-value = { $progress } %
goal-member-count =
    { $count ->
        [0] Aucun participant
        [one] 1 participant
       *[other] { $count } participants
    }
goal-no-description = Pas encore de description.
goal-open-room = Ouvrir la conversation
goal-ask-to-join = Demander à participer
goal-login-to-join = Se connecter pour participer
goal-pending-heading = Votre demande est partie
goal-pending-text = Une personne qui administre cet objectif va y répondre. La conversation s’ouvrira dès que vous serez accepté·e.
goal-pending-short = Demande en attente
goal-join-heading = Envie d’y prendre part ?
goal-join-text = Demandez à participer : la conversation vous sera ouverte dès qu’une personne qui administre l’objectif aura accepté.
goal-back = Tous les objectifs

## Participation

role-member = Membre
role-admin = Admin
role-owner = Responsable
role-you = vous
people-heading = Participants
people-search = Trouver quelqu’un par son nom
people-search-submit = Trouver
people-search-long = { $max } caractères au plus.
js-people-none = Personne de ce nom.
people-all = Les { $count } participants
js-people-found-one = 1 personne
js-people-found-other = {$count} personnes
js-people-found-more = {$count} personnes, et d’autres
people-panel = Participants et demandes
requests-heading = Demandes à traiter
requests-empty = Aucune demande en attente.
person-alike = Une autre personne ici porte un nom d’apparence identique.
request-approve = Accepter
request-approve-label = Accepter { $name }
request-refuse = Refuser
request-refuse-label = Refuser { $name }
member-manage-label = Gérer la participation de { $name }
member-role-label = Rôle de { $name }
member-role-submit = Changer le rôle
member-remove = Retirer de l’objectif
member-remove-text = { $name } ne verra plus la conversation. Ses messages y restent.
member-remove-confirm = Oui, retirer
member-hand-over = Transmettre la responsabilité
member-hand-over-text = { $name } deviendra responsable de l’objectif, et vous en resterez admin. Vous ne pourrez pas revenir en arrière sans son accord.
member-hand-over-confirm = Oui, transmettre
member-leave = Quitter l’objectif
member-leave-text = Vous ne verrez plus sa conversation. Pour revenir, il faudra le demander à nouveau.
member-leave-confirm = Oui, quitter
owner-cannot-leave = Vous êtes responsable de cet objectif : transmettez-en la responsabilité avant de le quitter.

## Salon

room-rooms = Conversations
room-rooms-panel = Conversations et compte
room-open-rooms = Ouvrir la liste des conversations
room-open-people = Ouvrir la liste des participants
room-goal-page = Voir la page de l’objectif
room-unread-words = messages non lus
room-messages-label = Messages
room-locked-mark = verrouillée
room-archived-mark = archivée
room-intro-heading = Ici commence la conversation
room-intro-text = Tout ce qui se dit à propos de « { $title } » commence ici.
room-empty-heading = La parole est à vous
room-empty-text = Personne n’a encore rien dit à propos de « { $title } ». Un simple bonjour suffit pour commencer.
room-load-earlier = Voir les messages précédents
room-no-script = Sans JavaScript, les nouveaux messages n’apparaissent pas seuls.
room-reload = Actualiser
room-offline-banner = Vous êtes hors ligne. Vos messages partiront dès le retour de la connexion.
room-signed-out-banner = Vous n’êtes plus connecté·e. Vos brouillons sont conservés ici.
sign-out-heading = Pas encore envoyé
sign-out-give-up = Se déconnecter quand même
js-sign-out-unsent-one = {$count} message n’a pas encore quitté ce navigateur. Il sera perdu si vous vous déconnectez maintenant.
js-sign-out-unsent-other = {$count} messages n’ont pas encore quitté ce navigateur. Ils seront perdus si vous vous déconnectez maintenant.
room-locked = Cette conversation est verrouillée : on peut la lire, mais plus y écrire.
room-locked-hint = Une personne qui administre l’objectif peut la rouvrir.
room-archived = Cette conversation est archivée : on peut la lire, mais plus y écrire.
room-archived-hint = Une personne qui administre l’objectif peut la restaurer.

## Messages et saisie

message-actions = Actions sur ce message
message-reply = Répondre
message-edit = Modifier
message-delete = Supprimer
message-system = Cette ligne a été écrite par la conversation elle-même.
reaction-too-many = Un message peut porter au plus { $max } émojis différents.
pin-too-many = On peut épingler au plus { $max } messages en même temps.
message-deleted = Message supprimé
message-quote-label = En réponse à
message-delete-heading = Supprimer ce message ?
message-delete-text = Il disparaîtra pour tout le monde ; une trace restera à sa place. On ne peut pas revenir en arrière.
message-delete-confirm = Supprimer
composer-label = Votre message
composer-placeholder = Écrire un message…
composer-hint = Entrée envoie, Maj + Entrée va à la ligne. Markdown accepté.
composer-send = Envoyer
composer-save = Enregistrer
composer-replying-to = Réponse à { $name }
composer-editing = Modification de votre message

## Erreurs : la page entière

error-home = Retour aux objectifs
error-unauthenticated-title = Connexion nécessaire
error-unauthenticated = Connectez-vous pour continuer.
error-forbidden-title = Accès refusé
error-forbidden = Vous n’avez pas le droit de faire cela.
error-not-found-title = Page introuvable
error-not-found = Cette page n’existe pas, ou elle ne vous est pas ouverte.
error-conflict-title = Impossible pour l’instant
error-too-large-title = Envoi trop volumineux
error-too-large = Ce que vous envoyez dépasse la taille acceptée.
error-invalid-title = À corriger
error-invalid = Certaines informations sont à corriger.
error-too-many-title = Un peu trop vite
error-full-title = Plus de place
error-unavailable-title = Service indisponible
error-unavailable = Le service ne répond pas pour le moment. Réessayez dans quelques instants.
error-internal-title = Une erreur est survenue
error-internal = Quelque chose s’est mal passé de notre côté. Réessayez ; si cela persiste, prévenez la personne qui administre ce site.

## Erreurs : un champ

field-required = Ce champ est nécessaire.
field-email = Cette adresse e-mail n’est pas valide.
field-email-taken = Un compte existe déjà avec cette adresse.
field-password-short = Il faut au moins { $min } caractères.
field-password-long = Ce mot de passe est trop long.
field-name-long = { $max } caractères au plus.
field-name-unseen = Ce nom ne montre rien : il faut au moins une lettre ou un signe visible.
field-first-code-missing = Il faut le code que le serveur a affiché à son démarrage.
field-first-code-wrong = Ce n’est pas le code que le serveur a affiché à son dernier démarrage.
field-title-length = Entre { $min } et { $max } caractères.
field-description-long = { $max } caractères au plus.
field-date = Cette date n’est pas valide.
field-end-before-start = L’échéance doit venir après le début.
field-message-empty = Le message est vide.
field-message-long = Le message compte { $length } caractères ; { $max } au plus.
field-nonce = L’identifiant d’envoi n’est pas valide.
field-nonce-reused = Cet identifiant a déjà servi pour un autre message.
field-reply-unknown = Le message auquel vous répondez n’existe pas dans cette conversation.
field-role = Ce rôle n’existe pas.
field-encoding = Ce texte n’est pas lisible : il doit être en UTF-8.
field-attachment-unsupported = Aucun fichier n’est attendu ici.
field-emoji = Ce n’est pas un émoji.
field-truth = On attend oui ou non (true ou false).
field-number = Un nombre est attendu.

## Erreurs : une action

too-many-attempts =
    { $seconds ->
        [one] Trop d’essais. Réessayez dans une seconde.
       *[other] Trop d’essais. Réessayez dans { $seconds } secondes.
    }
too-many-attempts-minutes = Trop d’essais. Réessayez dans { $minutes } minutes.
too-many-attempts-hours = Trop d’essais. Réessayez dans { $hours } heures.
goals-too-many = Vous avez { $max } objectifs, autant qu’une personne peut en avoir.
owner-must-hand-over = Transmettez d’abord la responsabilité de l’objectif : il lui faut toujours une personne responsable.
already-member = Cette personne participe déjà à l’objectif.
foreign-origin = Cette demande vient d’un autre site ; elle a été refusée.

## Avis après une action

notice-signed-out = Vous êtes déconnecté·e. À bientôt !
notice-joined-asked = Votre demande est partie. Vous aurez accès à la conversation dès qu’elle sera acceptée.
notice-approved = La demande est acceptée.
notice-refused = La demande est refusée.
notice-left = Vous avez quitté l’objectif.
notice-removed = La personne ne participe plus à l’objectif.
notice-goal-created = L’objectif est créé. La conversation est ouverte.
notice-handed-over = La responsabilité est transmise.
notice-role-changed = Le rôle est changé.

## Textes du navigateur

js-connection-live = En direct
js-connection-sse = En direct
js-connection-longpoll = Presque en direct
js-connection-polling = Actualisation régulière
js-connection-connecting = Connexion…
js-connection-offline = Hors ligne
js-connection-signed-out = Déconnecté
js-sending = Envoi…
js-sent = Envoyé
js-failed = Message non envoyé.
js-retry = Réessayer
js-discard = Abandonner
js-queued-offline = En attente de connexion
js-today = Aujourd’hui
js-yesterday = Hier
js-new-messages = Nouveaux messages
js-jump-latest-one = 1 nouveau message
js-jump-latest-other = {$count} nouveaux messages
js-jump-latest = Revenir aux derniers messages
js-replying-to = Réponse à {$name}
js-editing = Modification de votre message
js-cancel = Annuler
js-load-earlier = Voir les messages précédents
js-loading = Chargement…
js-beginning = Début de la conversation
js-removed-from-room = Vous n’avez plus accès à cette conversation.
js-room-locked = Cette conversation est en lecture seule.
js-wants-to-join = {$name} demande à participer
js-copied = Copié
js-edited-at = Modifié à {$time}
js-message-too-long = {$max} caractères au plus.
js-network-error = Le serveur ne répond pas. Vérifiez votre connexion.
js-save = Enregistrer
js-send = Envoyer
js-unread-one = 1 message non lu
js-unread-other = {$count} messages non lus
js-draft = Brouillon
js-message-deleted = Message supprimé
