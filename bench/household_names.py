"""Names for generated people and streets; frequent ones come first.

Some names differ in a letter or two, as the names of strangers do.
"""

from itertools import product

_FEMALE = """
Maria Anna Julia Laura Lisa Sarah Katharina Sandra Susanne Andrea Christina Nicole Petra Sabine Stefanie Claudia
Elisabeth Barbara Monika Ursula Martina Birgit Karin Angelika Heike Gabriele Brigitte Renate Helga Ingrid
Emma Mia Hannah Sophie Lena Lea Marie Johanna Clara Luisa Emily Charlotte Mila Ella Ida Frieda Greta Mathilda
Margarete Alexandra Franziska Theresa Veronika Magdalena Antonia Paula Nina Jana Eva Carolin Simone Silke
Anne Anja Antje Tanja Katja Kerstin Kirsten Christa Christiane Michaela Daniela Manuela Ramona Bianca Yvonne
Fatma Ayse Emine Olga Natalia Irina Svetlana Agnieszka Joanna Ewa Krystyna Zofia Elena Giulia Francesca
"""
_MALE = """
Michael Thomas Andreas Stefan Peter Christian Martin Alexander Daniel Markus Matthias Jan Frank Sebastian
Wolfgang Klaus Jürgen Uwe Bernd Dieter Manfred Günter Helmut Gerhard Werner Horst Karl Hans Heinz Walter
Leon Paul Jonas Ben Finn Elias Felix Luca Maximilian Noah Emil Anton Jakob Theo Oskar Moritz Julian Niklas
Robert William Richard Johannes Friedrich Joachim Johann Benjamin Tobias Philipp David Simon Florian Fabian
Dennis Marcel Kevin Patrick Pascal Sven Lars Kai Olaf Torsten Holger Ralf Rolf Rudolf Ludwig Otto Josef Franz
Mehmet Mustafa Ali Ahmed Mohammed Ivan Sergej Dmitri Piotr Pawel Tomasz Marek Marco Mario Antonio Giovanni
"""
_NICKNAMES = """
Katharina Kathi Susanne Susi Christina Tina Stefanie Steffi Elisabeth Lisa Barbara Babsi Ursula Uschi Angelika Geli
Gabriele Gabi Sophie Sofie Johanna Hanna Charlotte Lotte Margarete Grete Alexandra Sandra Theresa Resi
Franziska Franzi Veronika Vroni Magdalena Lena Antonia Toni Agnieszka Aga Joanna Asia Krystyna Krysia Zofia Zosia
Michael Michi Thomas Tom Andreas Andi Alexander Alex Daniel Dani Matthias Matze Wolfgang Wolfi Manfred Manni
Maximilian Max Robert Bob William Bill Richard Rick Johannes Hannes Friedrich Fritz Joachim Achim Benjamin Ben
Josef Sepp Ludwig Lutz Tomasz Tomek Giovanni Gianni Sebastian Basti
"""
_FAMILY_NAMES = """
Müller Schmidt Schneider Fischer Weber Meyer Wagner Becker Schulz Hoffmann Schäfer Koch Bauer Richter Klein
Wolf Schröder Neumann Schwarz Zimmermann Braun Krüger Hofmann Hartmann Lange Schmitt Werner Krause Meier
Lehmann Schmid Schulze Maier Köhler Herrmann König Walter Mayer Huber Kaiser Fuchs Peters Lang Scholz Möller
Weiß Jung Hahn Schubert Vogel Friedrich Keller Günther Frank Berger Winkler Roth Beck Lorenz Baumann Franke
Nowak Kowalski Wiśniewski Yılmaz Kaya Demir Ivanov Popov Rossi Russo Smith Jones Brown Taylor Wilson Evans
de_Vries Jansen van_Dijk Bakker Visser García Martínez López Nguyen Tran O'Brien Murphy
"""
_FIRST_PARTS = "Stein Berg Wald Feld Bach Brunn Eichen Birken Linden Rosen Gold Silber Eisen Kirch Mühl Neu Alt Ober"
_LAST_PARTS = "mann hofer bauer meier müller berger bacher felder brunner hauser huber egger lechner reiter wieser"
_STREETS = "Haupt Bahnhof Schul Garten Dorf Kirch Berg Linden Ahorn Goethe Schiller Mozart Wiesen Mühlen Feld Rosen"
_KINDS_OF_STREETS = "straße weg gasse allee platz ring"
_CITIES = "Berlin Hamburg München Köln Frankfurt Stuttgart Düsseldorf Leipzig Dortmund Essen Bremen Dresden"

FEMALE = tuple(_FEMALE.split())
MALE = tuple(_MALE.split())
NICKNAMES = dict(zip(_NICKNAMES.split()[::2], _NICKNAMES.split()[1::2], strict=True))
FAMILY_NAMES = (
    *(name.replace("_", " ") for name in _FAMILY_NAMES.split()),
    *map("".join, product(_FIRST_PARTS.split(), _LAST_PARTS.split())),
    *map("".join, product(_FIRST_PARTS.split(), ("en", "er", "el"), _LAST_PARTS.split())),
)
STREETS = tuple(map("".join, product(_STREETS.split(), _KINDS_OF_STREETS.split())))
CITIES = tuple(_CITIES.split())
