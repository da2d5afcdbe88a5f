"""Names that can be those of one person, and names that cannot."""

import pytest

from graph.domain.model.comparison import fits

FITTING = {
    "spelling": """
        Ann / ANN
        Müller / Mueller
        Müller / Muller
        Jürgen Weiß / JUERGEN WEISS
        Łukasz / Lukasz
        Søren / Soeren
        O'Brien / OBrien
        O’Brien / O Brien
        D'Esquire / Desquire
        Jean-Luc / Jean Luc
        Stephan / Stefan
        Philipp / Filip
        Kathrin / Katrin
        Meyer / Maier
        Schmidt / Schmitt
        Wiktor / Victor
        Maksymilian / Maximilian
        Zara / Sahra
        Sarah Tompson / Sahra Thompson
    """,
    "titles": """
        Dr. Anna Weber / Anna Weber
        Prof. Dr. med. Anna Weber / Anna Weber
        Herr Hans Meyer / Hans Meyer
        Mrs. Ann Lee / Ann Lee
        Mevr. Anneke de Vries / Anneke de Vries
        Pan Jan Kowalski / Jan Kowalski
        Robert Smith, PhD / Robert Smith
        Frau / Anna
    """,
    "initials": """
        J. / Johann
        J / Johann
        J. P. / Jean Pierre
        J.P. / Jean-Pierre
        JP / Jean-Pierre
        HJ / Hans-Joachim
        B Smith / Bob Smith
        B. Smith / Robert Smith
        R Roderick / Ray Roderick
        Joh. / Johannes
        Friedr. Wilh. / Friedrich Wilhelm
        Chas. / Charles
        Wm / William
        Mhd / Mohammed
        J. R. R. Tolkien / John Ronald Reuel Tolkien
    """,
    "order and missing parts": """
        Lee Ann / Ann Lee
        Smith, Robert / Robert Smith
        Robert Smith / Robert E Smith
        Robert E. Smith / Robert Edward Smith
        Ann / Ann Marie Smith
        Smith / Robert Smith
        Marie Sanchez / Marie Sanchez Mendoza
        Anna Maria / Anna
        Robert (Bob) Smith / Bob Smith
        Robert "Bob" Smith / Robert Smith
        Rosemary A Thomas / Rosemay A Thomas
    """,
    "words written as one": """
        Annmarie / Ann Marie
        Annemarie / Ann Marie
        Hansjürgen / Hans-Jürgen
        Hansjürgen / Hans
        Vanderberg / van der Berg
        Anna-Maria van der Berg / Annamaria Vanderberg
        Mc Donald / McDonald
        De La Cruz / Delacruz
        Jord an / Jordan
        Maria del Carmen / Maria Carmen
        Ludwig van Beethoven / Ludwig von Beethoven
    """,
    "generations": """
        Robert Smith Sr / Robert Smith
        Robert Smith Jr / Robert Smith
        Robert Smith Jr / Bob Smith II
        Robert Smith jun. / Robert Smith Jr.
        Geoffrey Brown Jr / Jeffrey Brown
        Jun Wang / Wang Jun
        Amartya Sen / Sen Amartya
    """,
    "short forms": """
        Bob / Robert
        Bob J Smith / Robert Smith
        Bill / William
        Peggy / Margaret
        Ed Knight / Eddie Knight
        Howie / Howard
        Kate / Katherine
        Mary / Marie
        Hans / Johannes
        Sepp / Josef
        Liz / Lizzie
        Heinz / Heinrich
        Uschi / Ursula
        Steffi / Stephanie
        Kees / Cornelis
        Jan / Johannes
        Truus / Geertruida
        Wim / Wilhelmus
        Kasia / Katarzyna
        Gosia / Małgorzata
        Wojtek / Wojciech
        Ola / Aleksandra
        Misha / Mikhail
        Pepe / José
        Mohamed / Muhammed
        Chris / Christian
        Chris / Christine
        Alex / Alexandra
        Jo / Josef
        Jo / Johanna
    """,
    "one name in several languages": """
        Andrzej / Andreas
        Georg / George
        Katarzyna / Katharina
        Jan / Johann
        Maria / Marie
        Nastassia / Anastassia
    """,
    "typing errors": """
        Jhon / John
        Micheal / Michael
        Johannse / Johannes
        Kristen Salinger / Kristin Salenger
        Mark Miller / Mark Milner
        Susan Mooney / Susan Moonie
        Morrie Klempsky / Morris Klempski
        Ellie Desqueir / Ellie D'esquire
        George Weest / George Wiest
        Sadnra / Sandra
        Elisabteh / Elisabeth
        Kowalski / Kowalska
    """,
    "names that cannot be compared": """
        王杰 / Jie Wang
        Александр Васильев / Alexander Vasiliev
        តារា គឹម / Dara Kim
        فيصل صديقي / Faisal Siddiqui
        王 杰 / 王杰
        王杰 / 杰
        김민준 / 민준
        Jie Wang 王杰 / Wang Jie
        --- / Ann
    """,
}
CONTRADICTING = {
    "different names": """
        Ann / Bob
        Ann Smith / Bob Smith
        Ann Smith / Ann Jones
        Magdalena Jones / Magdalena Smith
        Mark / Marsha
        Daniella / Shaw
        Eddie Kusha / Marie Kusha
        Wei Wang / Jie Wang
        Morrie / Merle
    """,
    "similar names": """
        Anna / Hanna
        Anna / Annabelle
        Anna / Annika
        Darla / Darlene
        Darlene / Darletta
        Jim / Jane
        Jan / Jana
        Maria / Mario
        Maria / Marian
        Marie / Mario
        Julia / Julian
        Julian / Juliane
        Daniel / Daniela
        Christian / Christiane
        Martin / Martina
        Martin / Marvin
        Patrick / Patricia
        Alexander / Alexandra
        Andrea / Andreas
        Simon / Simone
        Nina / Tina
        Lena / Lina
        Lisa / Luisa
        Laura / Lara
        Mia / Mila
        Emma / Emil
        Tim / Tom
        Lena / Magda
        Lukas / Luisa
        Leon / Lena
        Finn / Fynnia
        Karl / Karla
        Karin / Karla
        Jorg / Jorge
        Dirk / Erik
        Elias / Elisa
        Jonas / Jona
        Felix / Felicia
        Kim / Tim
        Sara / Lara
        Stefan / Stefanie
    """,
    "initials": """
        A. / Bob
        A. Smith / B. Smith
        Robert E Smith / Robert J Smith
        J.P. / Jean Luc
        JP / Jean Luc
        Joh. / Josua
        S Smith / Robert Smith
    """,
    "parts that do not fit": """
        Ann Marie / Ann Sophie
        Anna Maria / Maria Sophia
        Robert Edward Smith / Robert James Smith
        Ann Lee / Ann Leeds Smith Jones
        Ann Ann / Ann Marie
        Smith Smith / Smith Robert
        Anneliese / Annemarie
        Hans-Jürgen / Hans-Peter
        Hansjürgen / Hanspeter
    """,
    "generations": """
        Robert Smith Sr / Robert Smith Jr
        Robert Smith Senior / Robert Smith Junior
        Robert Smith sen. / Robert Smith jun.
        Bob Smith Sr. / Robert Smith, Jr.
        Morris I / Morris II
        Morris Klein II / Morris Klein III
        Robert Smith Jr / Robert Smith III
    """,
    "short forms of different names": """
        Bob / Bill
        Hans / Heinz
        Sepp / Hans
        Uschi / Ulrike
        Elsa / Lisa
        Betty / Liz
        Kasia / Basia
        Gosia / Zosia
        Kees / Klaas
        Wim / Pim
        Peggy / Patty
        Kate / Kim
        Dick / Nick
    """,
    "one script": """
        王杰 / 王伟
        刘杰 / 王杰
        김민준 / 김서연
        Александр / Наталья
        Иван Петров / Пётр Петров
        Jie Wang 王杰 / Wei Wang 王伟
    """,
}


def pairs(table: dict[str, str]) -> list[object]:
    lines = [(subject, line.strip()) for subject, lines in table.items() for line in lines.strip().splitlines()]
    return [pytest.param(*line.split(" / "), id=f"{subject}: {line}") for subject, line in lines]


@pytest.mark.parametrize(("a", "b"), pairs(FITTING))
def test_names_that_can_be_those_of_one_person(a: str, b: str) -> None:
    assert fits("name", a, b)
    assert fits("name", b, a)


@pytest.mark.parametrize(("a", "b"), pairs(CONTRADICTING))
def test_names_that_cannot_be_those_of_one_person(a: str, b: str) -> None:
    assert not fits("name", a, b)
    assert not fits("name", b, a)


def test_many_initials_are_compared_quickly() -> None:
    # given: names of which every part fits nearly every other
    many = "A. " * 30
    # then
    assert fits("name", many, many + "B.")
    assert not fits("name", many + "C.", many + "B.")
