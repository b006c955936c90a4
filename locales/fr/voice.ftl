# Messages vocaux. Les clés « js- » sont lues par le navigateur.

voice-record = Enregistrer un message vocal
voice-recorder = Message vocal
voice-discard = Jeter l’enregistrement
voice-pause = Mettre en pause
voice-resume = Reprendre l’enregistrement
voice-stop = Terminer, pour l’écouter
voice-send = Envoyer le message vocal
voice-seek = Position dans le message vocal
voice-speed = Vitesse d’écoute :

js-voice-play = Écouter
js-voice-pause = Mettre en pause
js-voice-place = {$at} sur {$of}
js-voice-broken = Illisible
js-voice-label = Message vocal
js-voice-asking = Le navigateur demande l’accès au micro…
js-voice-recording = Enregistrement en cours
js-voice-paused = Enregistrement en pause
js-voice-ready = Enregistrement terminé : écoutez-le, puis envoyez-le
js-voice-denied = Le micro est bloqué. Autorisez-le pour ce site dans les réglages du navigateur, puis réessayez.
js-voice-no-microphone = Aucun micro n’a été trouvé. Branchez-en un, puis réessayez.
js-voice-failed = L’enregistrement n’a pas pu démarrer. Une autre application utilise peut-être le micro.
js-voice-empty = L’enregistrement est trop court : parlez après le début.
js-voice-lost = L’enregistrement ne peut pas être gardé dans ce navigateur.

field-voice-missing = Aucun enregistrement n’a été reçu.
field-voice-not-audio = Ce fichier n’est pas un message vocal : un son en WebM, Ogg, MP4, WAV, MP3 ou FLAC est attendu.
field-voice-empty = Cet enregistrement est vide.
field-voice-long = Cet enregistrement dépasse { $minutes ->
    [one] { $minutes } minute
   *[other] { $minutes } minutes
  }.
field-voice-long-seconds = Cet enregistrement dépasse { $seconds ->
    [one] { $seconds } seconde
   *[other] { $seconds } secondes
  }.
field-voice-broken = Cet enregistrement est abîmé.
field-voice-laborious = Cet enregistrement est trop long à vérifier : enregistrez-le de nouveau, ou envoyez-le comme fichier.
message-voice = Un message vocal ne se modifie pas.
