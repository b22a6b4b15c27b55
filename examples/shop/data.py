"""What the shop sells, and how it writes a price. Texts of the chrome are in ``translations.py``."""

import re
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import NamedTuple


class Lang(StrEnum):
    EN = "en"
    DE = "de"
    FR = "fr"


class Text(NamedTuple):
    """One sentence in the three languages of the region."""

    en: str
    de: str
    fr: str

    def for_(self, lang: Lang) -> str:
        text = self[list(Lang).index(lang)]
        # French sets a blank before high punctuation; it must not let the line break there.
        return re.sub(r" (?=[:;?!])", "\u00a0", text) if lang is Lang.FR else text


@dataclass(frozen=True)
class Product:
    slug: str
    name: str
    category: str
    cents: int
    kind: Text
    description: Text
    facts: tuple[tuple[Text, Text | str], ...]


CATEGORIES: dict[str, Text] = {
    "bicycles": Text("Bicycles", "Fahrräder", "Vélos"),
    "bags": Text("Bags & bottles", "Taschen & Flaschen", "Sacoches & gourdes"),
    "parts": Text("Lights & parts", "Licht & Teile", "Éclairage & pièces"),
    "clothing": Text("Helmets & clothing", "Helme & Kleidung", "Casques & vêtements"),
}

_WEIGHT = Text("Weight", "Gewicht", "Poids")
_FRAME = Text("Frame", "Rahmen", "Cadre")
_GEARS = Text("Gears", "Schaltung", "Vitesses")
_VOLUME = Text("Volume", "Volumen", "Volume")
_MATERIAL = Text("Material", "Material", "Matière")
_MADE_IN = Text("Made in", "Hergestellt in", "Fabriqué à")
_OUTPUT = Text("Light output", "Lichtleistung", "Éclairement")
_PRESSURE = Text("Pressure", "Druck", "Pression")
_SIZES = Text("Sizes", "Größen", "Tailles")
_COTTON = Text("Waxed cotton", "Gewachste Baumwolle", "Coton ciré")
_BRASS = Text("Brass", "Messing", "Laiton")
_BASEL = Text("Basel", "Basel", "Bâle")

PRODUCTS: tuple[Product, ...] = (
    Product(
        "wiese-tourer",
        "Wiese Tourer",
        "bicycles",
        149_000,
        Text("Steel touring bicycle", "Reiserad aus Stahl", "Randonneuse en acier"),
        Text(
            "Our house bicycle since 1987: a lugged steel frame, a rack that carries a week of luggage, and gearing"
            " low enough for the last ramp to the pass. Built, trued and test-ridden in our own workshop.",
            "Unser Hausrad seit 1987: gemuffter Stahlrahmen, ein Träger für eine Woche Gepäck und Gänge, die auch "
            "für die letzte Rampe zum Pass reichen. In unserer Werkstatt aufgebaut, zentriert und Probe gefahren.",
            "Le vélo de la maison depuis 1987 : cadre acier à raccords, porte-bagages pour une semaine de voyage et"
            " des développements assez petits pour la dernière rampe du col. Monté et essayé dans notre atelier.",
        ),
        ((_FRAME, "25CrMo4"), (_GEARS, "3 × 9"), (_WEIGHT, "13.8 kg"), (_SIZES, "50 / 54 / 58 / 62")),
    ),
    Product(
        "blauen-gravel",
        "Blauen Gravel",
        "bicycles",
        189_000,
        Text("Gravel bicycle", "Gravelbike", "Vélo gravel"),
        Text(
            "Fast on the road to the forest, calm once the asphalt ends. Wide tyres, disc brakes and mounts "
            "wherever a bag might go.",
            "Schnell auf der Straße zum Wald, ruhig, wo der Asphalt endet. Breite Reifen, Scheibenbremsen und Ösen "
            "überall dort, wo eine Tasche hinpasst.",
            "Rapide sur la route, serein quand l'asphalte s'arrête. Pneus larges, freins à disque et des œillets "
            "partout où une sacoche peut tenir.",
        ),
        ((_FRAME, "Aluminium"), (_GEARS, "1 × 11"), (_WEIGHT, "10.4 kg"), (_SIZES, "S / M / L / XL")),
    ),
    Product(
        "rheinpark-city",
        "Rheinpark City",
        "bicycles",
        99_000,
        Text("Step-through city bicycle", "Stadtrad mit tiefem Einstieg", "Vélo de ville à cadre ouvert"),
        Text(
            "For the market, the ferry and the way home after dark. Hub gears, hub dynamo, full chain case: nothing"
            " to think about.",
            "Für den Markt, die Fähre und den Heimweg im Dunkeln. Nabenschaltung, Nabendynamo, Kettenkasten: "
            "nichts, woran man denken müsste.",
            "Pour le marché, le bac et le retour de nuit. Vitesses et dynamo dans le moyeu, carter intégral : rien "
            "à surveiller.",
        ),
        ((_FRAME, "Aluminium"), (_GEARS, "8"), (_WEIGHT, "15.2 kg"), (_SIZES, "45 / 50 / 55")),
    ),
    Product(
        "feldberg-pannier",
        "Feldberg Pannier",
        "bags",
        8_900,
        Text("Pair of waterproof panniers", "Wasserdichtes Taschenpaar", "Paire de sacoches étanches"),
        Text(
            "Roll-top panniers that stay dry through a Black Forest thunderstorm. Welded seams, quick hooks, "
            "reflective patches.",
            "Rolltaschen, die auch ein Schwarzwaldgewitter dicht überstehen. Verschweißte Nähte, Schnellhaken, "
            "Reflektoren.",
            "Sacoches à enroulement qui restent sèches sous l'orage. Coutures soudées, crochets rapides, réflecteurs.",
        ),
        ((_VOLUME, "2 × 20 l"), (_WEIGHT, "1.6 kg"), (_MADE_IN, "Lörrach")),
    ),
    Product(
        "kander-bar-bag",
        "Kander Bar Bag",
        "bags",
        5_900,
        Text("Handlebar bag", "Lenkertasche", "Sacoche de guidon"),
        Text(
            "Camera, map and sandwich within reach. Waxed cotton that looks better each year, with a magnetic lid.",
            "Kamera, Karte und Vesper in Reichweite. Gewachste Baumwolle, die jedes Jahr schöner wird, mit "
            "Magnetdeckel.",
            "Appareil photo, carte et casse-croûte à portée de main. Coton ciré qui se patine, rabat magnétique.",
        ),
        ((_VOLUME, "6 l"), (_MATERIAL, _COTTON), (_MADE_IN, "Colmar")),
    ),
    Product(
        "vosges-saddle-bag",
        "Vosges Saddle Bag",
        "bags",
        4_900,
        Text("Saddle bag", "Satteltasche", "Sacoche de selle"),
        Text(
            "A tube, two levers, a rain cape and room for a baguette if you strap it on top.",
            "Ein Schlauch, zwei Heber, ein Cape, und oben drauf passt noch ein Baguette.",
            "Une chambre à air, deux démonte-pneus, une cape, et de quoi sangler une baguette.",
        ),
        ((_VOLUME, "4 l"), (_MATERIAL, _COTTON), (_MADE_IN, "Colmar")),
    ),
    Product(
        "nachtfahrt-light",
        "Nachtfahrt Light",
        "parts",
        6_400,
        Text("Front light for hub dynamos", "Frontlicht für Nabendynamo", "Feu avant pour dynamo"),
        Text(
            "An even carpet of light that ends before the eyes of others. Standlight, aluminium housing, spare "
            "parts for ten years.",
            "Ein gleichmäßiger Lichtteppich, der vor den Augen anderer endet. Standlicht, Alugehäuse, zehn Jahre "
            "Ersatzteile.",
            "Un tapis de lumière régulier qui n'éblouit personne. Feu de position, boîtier alu, pièces suivies dix "
            "ans.",
        ),
        ((_OUTPUT, "80 lux"), (_WEIGHT, "118 g")),
    ),
    Product(
        "belchen-bell",
        "Belchen Bell",
        "parts",
        1_800,
        Text("Brass bell", "Messingglocke", "Sonnette en laiton"),
        Text(
            "Polite on a Sunday path, clear in town traffic. Turned from one piece of brass; rings for twelve seconds.",
            "Höflich auf dem Sonntagsweg, deutlich im Stadtverkehr. Aus einem Stück Messing gedreht, klingt zwölf "
            "Sekunden nach.",
            "Polie le dimanche, nette en ville. Tournée dans la masse, elle sonne douze secondes.",
        ),
        ((_MATERIAL, _BRASS), (_WEIGHT, "62 g"), (_MADE_IN, _BASEL)),
    ),
    Product(
        "jura-pump",
        "Jura Mini Pump",
        "parts",
        3_200,
        Text("Hand pump with hose", "Handpumpe mit Schlauch", "Pompe à main à flexible"),
        Text(
            "Fits beside the bottle cage and really does reach road pressure. Every seal can be replaced.",
            "Passt neben den Flaschenhalter und schafft wirklich Rennraddruck. Jede Dichtung lässt sich tauschen.",
            "Se loge à côté du porte-bidon et monte vraiment en pression. Tous les joints se remplacent.",
        ),
        ((_PRESSURE, "7 bar"), (_WEIGHT, "135 g")),
    ),
    Product(
        "sundgau-helmet",
        "Sundgau Helmet",
        "clothing",
        7_900,
        Text("Helmet with rear light", "Helm mit Rücklicht", "Casque avec feu arrière"),
        Text(
            "Light, airy and adjustable with gloves on. The rear light clicks off and charges by USB-C.",
            "Leicht, luftig und mit Handschuhen einstellbar. Das Rücklicht lässt sich abnehmen und lädt über USB-C.",
            "Léger, aéré, réglable avec des gants. Le feu arrière se détache et se recharge en USB-C.",
        ),
        ((_WEIGHT, "270 g"), (_SIZES, "S / M / L")),
    ),
    Product(
        "hochblauen-jacket",
        "Hochblauen Jacket",
        "clothing",
        12_900,
        Text("Rain jacket", "Regenjacke", "Veste de pluie"),
        Text(
            "Cut for the saddle, not for the sofa: long back, long sleeves, a hood that goes over the helmet. No "
            "fluorocarbons.",
            "Für den Sattel geschnitten, nicht fürs Sofa: langer Rücken, lange Ärmel, Kapuze über den Helm. Ohne "
            "Fluorcarbone.",
            "Coupée pour la selle : dos long, manches longues, capuche par-dessus le casque. Sans fluorocarbures.",
        ),
        ((_WEIGHT, "310 g"), (_SIZES, "XS – XXL"), (_MATERIAL, "Polyester")),
    ),
    Product(
        "quelle-bottle",
        "Quelle Bottle",
        "bags",
        2_200,
        Text("Steel drinking bottle", "Trinkflasche aus Stahl", "Gourde en acier"),
        Text(
            "Fits every bottle cage and any village fountain. Single-walled, dishwasher-proof, dents with dignity.",
            "Passt in jeden Flaschenhalter und unter jeden Dorfbrunnen. Einwandig, spülmaschinenfest, altert in Würde.",
            "Va dans tous les porte-bidons et sous toutes les fontaines. Simple paroi, passe au lave-vaisselle.",
        ),
        ((_VOLUME, "0.7 l"), (_WEIGHT, "128 g")),
    ),
)

BY_SLUG: dict[str, Product] = {product.slug: product for product in PRODUCTS}
FEATURED = ("wiese-tourer", "feldberg-pannier", "nachtfahrt-light", "sundgau-helmet")

DELIVERY_CENTS = 590
FREE_DELIVERY_FROM_CENTS = 6_000

# The demo account's earlier orders: an account page without history would look broken.
PAST_ORDERS: tuple[tuple[str, str, int], ...] = (
    ("BR-20417", "2025-04-12", 17_700),
    ("BR-18903", "2024-09-03", 149_000),
)


def price(cents: int, lang: Lang) -> str:
    """An amount as each language writes it, with non-breaking blanks, so that no price is cut at a line's end."""
    whole, rest = divmod(cents, 100)
    grouped = f"{whole:,}"
    if lang is Lang.EN:
        return f"€{grouped}.{rest:02}"
    separator = "." if lang is Lang.DE else "\u202f"
    return f"{grouped.replace(',', separator)},{rest:02}\u00a0€"


def whole_price(cents: int, lang: Lang) -> str:
    """The same without cents, for a sum that has none."""
    return re.sub(r"[.,]00(?!\d)", "", price(cents, lang))


def day(iso: str, lang: Lang) -> str:
    return date.fromisoformat(iso).strftime("%d.%m.%Y" if lang is Lang.DE else "%d/%m/%Y")


def delivery(goods_cents: int) -> int:
    return 0 if goods_cents == 0 or goods_cents >= FREE_DELIVERY_FROM_CENTS else DELIVERY_CENTS
