"""The texts of the shop's chrome in the three languages of the region; the products' own texts are in ``data.py``."""

from .data import Text

TEXTS: dict[str, Text] = {
    # chrome
    "tagline": Text(
        "Touring bicycles & gear from the three-border country",
        "Reiseräder & Ausrüstung aus dem Dreiländereck",
        "Vélos de voyage & équipement des Trois Frontières",
    ),
    "skip": Text("Skip to content", "Zum Inhalt", "Aller au contenu"),
    "topbar": Text("Free delivery from {amount}", "Versand frei ab {amount}", "Livraison offerte dès {amount}"),
    "topbar.collect": Text(
        "Collect in the shop, any day but Sunday",
        "Abholung im Laden, täglich außer Sonntag",
        "Retrait en magasin sauf le dimanche",
    ),
    "language": Text("Language", "Sprache", "Langue"),
    "nav": Text("Main", "Hauptnavigation", "Principale"),
    "home": Text("Home", "Start", "Accueil"),
    "catalogue": Text("Catalogue", "Katalog", "Catalogue"),
    "about": Text("About us", "Über uns", "À propos"),
    "account": Text("Account", "Konto", "Compte"),
    "login": Text("Sign in", "Anmelden", "Se connecter"),
    "logout": Text("Sign out", "Abmelden", "Se déconnecter"),
    "basket": Text("Basket", "Warenkorb", "Panier"),
    "items": Text("items", "Artikel", "articles"),
    "footer.shop": Text("Shop", "Laden", "Boutique"),
    "footer.winter": Text("Winter offers", "Winterangebote", "Offres d'hiver"),
    "footer.visit": Text("Visit us", "Besuchen Sie uns", "Nous rendre visite"),
    "footer.hours": Text(
        "Monday to Saturday, 9:30 to 18:30",
        "Montag bis Samstag, 9.30 bis 18.30 Uhr",
        "Du lundi au samedi, de 9 h 30 à 18 h 30",
    ),
    "footer.privacy": Text("Privacy", "Datenschutz", "Vie privée"),
    "footer.cookies": Text("Cookie settings", "Cookie-Einstellungen", "Paramètres des cookies"),
    "footer.debug": Text("What the server sees", "Was der Server sieht", "Ce que voit le serveur"),
    "footer.note": Text(
        "Belchenrad is an invented shop. Nothing here can be bought.",
        "Belchenrad ist ein erfundener Laden. Hier lässt sich nichts kaufen.",
        "Belchenrad est une boutique fictive. Rien n'y est à vendre.",
    ),
    # newsletter
    "newsletter.title": Text("Four letters a year", "Vier Briefe im Jahr", "Quatre lettres par an"),
    "newsletter.text": Text(
        "Routes, workshop evenings and what is new on the shelf.",
        "Touren, Werkstattabende und Neues im Regal.",
        "Itinéraires, soirées d'atelier et nouveautés.",
    ),
    "newsletter.email": Text("E-mail address", "E-Mail-Adresse", "Adresse e-mail"),
    "newsletter.submit": Text("Subscribe", "Abonnieren", "S'abonner"),
    # home
    "hero.title": Text("Three countries, one chain.", "Drei Länder, eine Kette.", "Trois pays, une seule chaîne."),
    "hero.text": Text(
        "We build bicycles that cross borders and pack the bags that go with them: between the Black Forest, the "
        "Vosges and the Jura.",
        "Wir bauen Räder, die über Grenzen fahren, und packen die Taschen dazu: zwischen Schwarzwald, Vogesen und "
        "Jura.",
        "Nous montons des vélos qui passent les frontières, et les sacoches qui vont avec : entre Forêt-Noire, "
        "Vosges et Jura.",
    ),
    "hero.action": Text("Browse the catalogue", "Zum Katalog", "Voir le catalogue"),
    "hero.second": Text("Meet the workshop", "Die Werkstatt kennenlernen", "Découvrir l'atelier"),
    "home.categories": Text("What are you looking for?", "Was suchen Sie?", "Que cherchez-vous ?"),
    "home.featured": Text("Well liked this season", "In dieser Saison beliebt", "Appréciés cette saison"),
    "home.recent": Text("Recently viewed", "Zuletzt angesehen", "Vus récemment"),
    "home.promise": Text("What you can count on", "Worauf Sie zählen können", "Ce sur quoi vous pouvez compter"),
    "promise.repair": Text("Repairs, not returns", "Reparieren statt ersetzen", "Réparer, pas remplacer"),
    "promise.repair.text": Text(
        "Spare parts for ten years for all that we sell.",
        "Ersatzteile für zehn Jahre, für alles, was wir verkaufen.",
        "Pièces détachées pendant dix ans pour tout ce que nous vendons.",
    ),
    "promise.trial": Text("Ride before you buy", "Erst fahren, dann kaufen", "Essayer avant d'acheter"),
    "promise.trial.text": Text(
        "A test ride of a whole afternoon, hill included.",
        "Eine Probefahrt, die einen Nachmittag dauert, Berg inklusive.",
        "Un essai d'un après-midi entier, côte comprise.",
    ),
    "promise.local": Text("Made nearby", "Aus der Nähe", "Fabriqué tout près"),
    "promise.local.text": Text(
        "Bags from Alsace, bells from Basel, frames from Baden.",
        "Taschen aus dem Elsass, Glocken aus Basel, Rahmen aus Baden.",
        "Sacoches d'Alsace, sonnettes de Bâle, cadres du pays de Bade.",
    ),
    # catalogue and product
    "catalogue.all": Text("Everything", "Alles", "Tout"),
    "catalogue.filter": Text("Categories", "Kategorien", "Catégories"),
    "product.facts": Text("Details", "Einzelheiten", "Détails"),
    "product.quantity": Text("Quantity", "Menge", "Quantité"),
    "product.add": Text("Add to basket", "In den Warenkorb", "Ajouter au panier"),
    "product.stock": Text("In stock, leaves us tomorrow", "Auf Lager, geht morgen raus", "En stock, part demain"),
    "product.vat": Text("incl. VAT", "inkl. MwSt.", "TTC"),
    "breadcrumb": Text("You are here", "Sie sind hier", "Vous êtes ici"),
    # basket and checkout
    "basket.empty": Text("Your basket is empty.", "Ihr Warenkorb ist leer.", "Votre panier est vide."),
    "basket.product": Text("Product", "Artikel", "Article"),
    "basket.price": Text("Price", "Preis", "Prix"),
    "basket.total": Text("Total", "Summe", "Total"),
    "basket.goods": Text("Goods", "Waren", "Articles"),
    "basket.delivery": Text("Delivery", "Versand", "Livraison"),
    "basket.free": Text("free", "frei", "offerte"),
    "basket.change": Text("Change", "Ändern", "Modifier"),
    "basket.remove": Text("Remove", "Entfernen", "Retirer"),
    "basket.checkout": Text("To the checkout", "Zur Kasse", "Passer commande"),
    "basket.continue": Text("Continue shopping", "Weiter einkaufen", "Continuer mes achats"),
    "checkout": Text("Checkout", "Kasse", "Commande"),
    "checkout.address": Text("Where to?", "Wohin?", "Où livrer ?"),
    "checkout.name": Text("Full name", "Vor- und Nachname", "Nom et prénom"),
    "checkout.email": Text("E-mail address", "E-Mail-Adresse", "Adresse e-mail"),
    "checkout.street": Text("Street and number", "Straße und Hausnummer", "Rue et numéro"),
    "checkout.postcode": Text("Postcode", "Postleitzahl", "Code postal"),
    "checkout.city": Text("Town", "Ort", "Ville"),
    "checkout.payment": Text("How do you pay?", "Wie zahlen Sie?", "Comment payez-vous ?"),
    "checkout.invoice": Text("On invoice, 14 days", "Auf Rechnung, 14 Tage", "Sur facture, 14 jours"),
    "checkout.collect": Text("In the shop, on collection", "Im Laden bei Abholung", "En magasin, au retrait"),
    "checkout.summary": Text("Your order", "Ihre Bestellung", "Votre commande"),
    "checkout.submit": Text("Place the order", "Bestellen", "Commander"),
    "checkout.fake": Text(
        "This is a sample shop: no order leaves this page.",
        "Dies ist ein Beispielladen: Keine Bestellung verlässt diese Seite.",
        "Ceci est une boutique d'exemple : aucune commande ne part d'ici.",
    ),
    "checkout.required": Text(
        "Please fill in this field.", "Bitte füllen Sie dieses Feld aus.", "Veuillez remplir ce champ."
    ),
    "checkout.bad-email": Text(
        "Please enter an e-mail address.",
        "Bitte geben Sie eine E-Mail-Adresse ein.",
        "Veuillez saisir une adresse e-mail.",
    ),
    "checkout.errors": Text(
        "Some fields need your attention.",
        "Einige Felder brauchen Ihre Aufmerksamkeit.",
        "Certains champs sont à revoir.",
    ),
    "thanks": Text("Thank you for your order", "Danke für Ihre Bestellung", "Merci pour votre commande"),
    "thanks.text": Text(
        "Its number is {number}. The total is {amount}.",
        "Die Nummer lautet {number}, die Summe {amount}.",
        "Son numéro est {number}, son total {amount}.",
    ),
    # account
    "login.email": Text("E-mail address", "E-Mail-Adresse", "Adresse e-mail"),
    "login.password": Text("Password", "Passwort", "Mot de passe"),
    "login.failed": Text(
        "This address and this password do not belong together.",
        "Diese Adresse und dieses Passwort gehören nicht zusammen.",
        "Cette adresse et ce mot de passe ne vont pas ensemble.",
    ),
    "login.demo": Text(
        "The sample account: {email} with the password {password}.",
        "Das Beispielkonto: {email} mit dem Passwort {password}.",
        "Le compte d'exemple : {email}, mot de passe {password}.",
    ),
    "account.hello": Text("Hello, {name}", "Hallo, {name}", "Bonjour, {name}"),
    "account.text": Text(
        "Your orders and your workshop visits in one place.",
        "Ihre Bestellungen und Werkstattbesuche an einem Ort.",
        "Vos commandes et vos passages à l'atelier au même endroit.",
    ),
    "account.orders": Text("Your orders", "Ihre Bestellungen", "Vos commandes"),
    "account.number": Text("Number", "Nummer", "Numéro"),
    "account.date": Text("Date", "Datum", "Date"),
    # about
    "about.title": Text(
        "A workshop with a shop in front", "Eine Werkstatt mit einem Laden davor", "Un atelier avec une boutique devant"
    ),
    "about.1": Text(
        "Belchenrad began in 1987 with two truing stands in a former mill. The mill stream still runs under the "
        "floor, and on quiet mornings it is louder than the freewheels.",
        "Belchenrad begann 1987 mit zwei Zentrierständern in einer alten Mühle. Der Mühlbach läuft noch immer unter"
        " dem Boden und ist an stillen Morgen lauter als die Freiläufe.",
        "Belchenrad a commencé en 1987 avec deux pieds de centrage dans un ancien moulin. Le bief coule toujours "
        "sous le plancher et, les matins calmes, il couvre le bruit des roues libres.",
    ),
    "about.2": Text(
        "Eleven people work here today, in three languages. We sell what we repair and repair what we sell.",
        "Heute arbeiten hier elf Menschen in drei Sprachen. Wir verkaufen, was wir reparieren, und reparieren, was "
        "wir verkaufen.",
        "Nous sommes onze aujourd'hui, en trois langues. Nous vendons ce que nous réparons et réparons ce que nous "
        "vendons.",
    ),
    "about.workshop": Text("The workshop", "Die Werkstatt", "L'atelier"),
    "about.3": Text(
        "Bring your bicycle before ten and most repairs are done by the evening. While you wait there is coffee, "
        "and a map of the three Belchen mountains that we gladly explain.",
        "Bringen Sie Ihr Rad vor zehn, dann ist das meiste am Abend fertig. Solange gibt es Kaffee und eine Karte "
        "der drei Belchen, die wir gern erklären.",
        "Déposez votre vélo avant dix heures : le plus souvent, il est prêt le soir. En attendant, il y a du café "
        "et une carte des trois Ballons que nous commentons volontiers.",
    ),
    # consent
    "cookies.title": Text("Cookies in this shop", "Cookies in diesem Laden", "Les cookies de cette boutique"),
    "cookies.text": Text(
        "We need some cookies for the basket and for signing in. Others help us to count visits and to show "
        "advertisements. You decide which.",
        "Für Warenkorb und Anmeldung brauchen wir einige Cookies. Andere helfen uns, Besuche zu zählen und Werbung "
        "zu zeigen. Sie entscheiden, welche.",
        "Certains cookies sont nécessaires au panier et à la connexion. D'autres servent à compter les visites et à"
        " afficher de la publicité. C'est vous qui décidez.",
    ),
    "cookies.refuse": Text("Refuse all", "Alle ablehnen", "Tout refuser"),
    "cookies.accept": Text("Accept all", "Alle annehmen", "Tout accepter"),
    "cookies.choose": Text("Choose", "Auswählen", "Choisir"),
    "cookies.save": Text("Save my choice", "Auswahl speichern", "Enregistrer mon choix"),
    "cookies.withdraw": Text("Withdraw consent", "Einwilligung widerrufen", "Retirer mon consentement"),
    "cookies.settings": Text("Cookie settings", "Cookie-Einstellungen", "Paramètres des cookies"),
    "cookies.settings.text": Text(
        "You can change or withdraw your choice here at any time.",
        "Hier können Sie Ihre Auswahl jederzeit ändern oder widerrufen.",
        "Vous pouvez à tout moment modifier ou retirer votre choix ici.",
    ),
    "cookies.none": Text(
        "You have not made a choice yet.",
        "Sie haben noch keine Auswahl getroffen.",
        "Vous n'avez pas encore fait de choix.",
    ),
    "cookies.known": Text("Your current choice:", "Ihre derzeitige Auswahl:", "Votre choix actuel :"),
    "cookies.yes": Text("allowed", "erlaubt", "autorisés"),
    "cookies.no": Text("refused", "abgelehnt", "refusés"),
    "cookies.necessary": Text("Necessary", "Notwendig", "Nécessaires"),
    "cookies.necessary.text": Text(
        "Basket, sign-in, protection of forms, language. Always on.",
        "Warenkorb, Anmeldung, Schutz der Formulare, Sprache. Immer an.",
        "Panier, connexion, protection des formulaires, langue. Toujours actifs.",
    ),
    "cookies.functional": Text("Functional", "Komfort", "Confort"),
    "cookies.functional.text": Text(
        "Remember what you looked at and show notices about what is new.",
        "Merken sich, was Sie angesehen haben, und zeigen Neuigkeiten.",
        "Retiennent ce que vous avez consulté et annoncent les nouveautés.",
    ),
    "cookies.analytics": Text("Analytics", "Statistik", "Statistiques"),
    "cookies.analytics.text": Text(
        "Count visits and tell us which pages are read.",
        "Zählen Besuche und zeigen uns, welche Seiten gelesen werden.",
        "Comptent les visites et nous disent quelles pages sont lues.",
    ),
    "cookies.marketing": Text("Marketing", "Marketing", "Marketing"),
    "cookies.marketing.text": Text(
        "Recognise you on other sites, to show advertisements there.",
        "Erkennen Sie auf anderen Seiten wieder, um dort Werbung zu zeigen.",
        "Vous reconnaissent sur d'autres sites pour y afficher de la publicité.",
    ),
    # what the server sees
    "debug.title": Text("What the server sees", "Was der Server sieht", "Ce que voit le serveur"),
    "debug.text": Text(
        "The cookies that reached this app with this very request. What is not in the first table, the app has not "
        "seen.",
        "Die Cookies, die diese App mit genau dieser Anfrage erreicht haben. Was nicht in der ersten Tabelle steht,"
        " hat sie nicht gesehen.",
        "Les cookies arrivés jusqu'à cette application avec cette requête. Ce qui n'est pas dans le premier "
        "tableau, elle ne l'a pas vu.",
    ),
    "debug.arrived": Text("Arrived ({count})", "Angekommen ({count})", "Arrivés ({count})"),
    "debug.missing": Text("Did not arrive ({count})", "Nicht angekommen ({count})", "Non arrivés ({count})"),
    "debug.missing.text": Text(
        "This shop sets these too, sooner or later, whatever you chose.",
        "Auch diese setzt der Laden, früher oder später, was immer Sie gewählt haben.",
        "La boutique pose aussi ceux-ci, tôt ou tard, quel que soit votre choix.",
    ),
    "debug.nothing": Text("No cookie at all.", "Kein einziger Cookie.", "Aucun cookie."),
    "debug.name": Text("Name", "Name", "Nom"),
    "debug.value": Text("Value", "Wert", "Valeur"),
    "debug.written": Text("Written", "Geschrieben", "Écrit"),
    "debug.unknown": Text("not by this shop", "nicht von diesem Laden", "pas par cette boutique"),
    # errors
    "error.403": Text("This form has expired", "Dieses Formular ist abgelaufen", "Ce formulaire a expiré"),
    "error.403.text": Text(
        "Its protection code did not match. Go back, reload the page and try again; cookies that are necessary must"
        " be on.",
        "Der Schutzcode stimmte nicht. Gehen Sie zurück, laden Sie die Seite neu und versuchen Sie es noch einmal; "
        "notwendige Cookies müssen erlaubt sein.",
        "Son code de protection ne correspondait pas. Revenez en arrière, rechargez la page et réessayez ; les "
        "cookies nécessaires doivent être autorisés.",
    ),
    "error.404": Text("This road ends here", "Dieser Weg endet hier", "La route s'arrête ici"),
    "error.404.text": Text(
        "The page does not exist, or not any more. The catalogue knows the way.",
        "Diese Seite gibt es nicht oder nicht mehr. Der Katalog kennt den Weg.",
        "Cette page n'existe pas, ou plus. Le catalogue connaît le chemin.",
    ),
    "error.other": Text("That did not work", "Das hat nicht geklappt", "Cela n'a pas fonctionné"),
    "error.other.text": Text(
        "The server could not do anything with this request.",
        "Der Server konnte mit dieser Anfrage nichts anfangen.",
        "Le serveur n'a pas su traiter cette requête.",
    ),
    # flash messages, by the code that the cookie carries
    "flash.added": Text("It is in your basket.", "Es liegt im Warenkorb.", "C'est dans votre panier."),
    "flash.changed": Text(
        "Your basket is up to date.", "Ihr Warenkorb ist auf dem neuesten Stand.", "Votre panier est à jour."
    ),
    "flash.removed": Text(
        "We have put it back on the shelf.", "Es steht wieder im Regal.", "Nous l'avons remis en rayon."
    ),
    "flash.welcome": Text("You are signed in.", "Sie sind angemeldet.", "Vous êtes connecté."),
    "flash.goodbye": Text("You are signed out.", "Sie sind abgemeldet.", "Vous êtes déconnecté."),
    "flash.subscribed": Text(
        "Thank you. The next letter comes to you.",
        "Danke. Der nächste Brief kommt zu Ihnen.",
        "Merci. La prochaine lettre sera pour vous.",
    ),
    "flash.bad-email": Text(
        "That does not look like an e-mail address.",
        "Das sieht nicht nach einer E-Mail-Adresse aus.",
        "Cela ne ressemble pas à une adresse e-mail.",
    ),
    "flash.choice-saved": Text(
        "Your cookie choice is saved.", "Ihre Cookie-Auswahl ist gespeichert.", "Votre choix de cookies est enregistré."
    ),
}

# The names that the language buttons show: each in its own language, as visitors look for their own.
LANGUAGE_NAMES = {"en": "English", "de": "Deutsch", "fr": "Français"}
