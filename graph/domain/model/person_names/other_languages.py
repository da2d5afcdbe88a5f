"""Forms of given names in languages without a table of their own, and full forms of one name in several languages.

People change their names with the country they live in: an Andrzej orders in Germany as Andreas. Each line is a name in
its full forms, and after the colon its short forms; a form may belong to several names.

Written for Kith from general knowledge; nothing is copied. The short forms are compared with the pairs in the c't name
dictionary `nam_dict.txt` (Jörg Michael, 2008).
"""

TABLE = """
adriana adrianna adrianne
agnes agnieszka agnese
ahmed ahmad achmed ahmet
aidan aiden
aisha ayşe aicha ayesha aysha
aleksandr: sasha sascha sanya shura
aleksei: alyosha aljoscha lyosha
alexander aleksander alexandre alessandro alejandro oleksandr aleksandr alexandru alexandros sandro
alexandra aleksandra alessandra alejandra oleksandra alexandrina
ali aly
alice alicja alicia
ana: anita
anastasia: nastya nastja nastasia asya
anatoli: tolya
andreas andrzej andrew andré andrei andrey ondrej anders andries andrés
andries andrias
angelica angelika angélique angeliki
anna ana anne ania anya
annelies anneliese annelie
antoine: tony
antonio: tonino toño
antonius anton antoni antonio antoine anthony
ashley ashleigh
barbara barbora varvara
beate beata
beatrice beatrix beatriz
beatriz: bea
bengt: benke
bernadette bernadeta
bethany bethan
birgitta brigitta brigitte brygida birgit bridget
blanche blanka bianca
boris: borya
brittany britney
carmela: carmen
catherine katharina katarzyna katerina yekaterina ekaterina caterina catalina katrin catarina katarina kateryna katalin
cecilia cecylia cécile cecily cäcilie
cesar cezary cesare
chantal chantelle
charles karl karel karol carlo carlos carl
christian krystian cristian christiaan kristian
christine krystyna christina cristina kristina kristine
christopher christoph krzysztof christophe cristoforo kristof christos
concepción: concha conchita
corinne corinna
daniel danil daniele danilo daniil
danielle daniela daniella
dmitri: dima mitya dmitry
dolores: lola
dominique: dodo
dorothea dorota dorothy
eckhard eckart ekkehard
edith edyta
eduardo: edu lalo
eleanor eleonora eleonore
elisabeth elzbieta elizabeth elisabetta isabel yelizaveta alzbeta erzsébet
elmar elmer
emilia emelia emilie emily emely
enrique: quique kike
eric erik eryk erich
ernest ernst ernesto
eugene eugen eugeniusz eugenio
eva ewa eve
evelyn eveline ewelina evelina evelien
fatima fatma fatimah fatoumata
felicity felicitas
fernando: nando
francesca: franca checca
francesco: franco checco cesco
francis franz franciszek francesco francisco françois frans franciscus
francisco: paco pancho curro fran
frédéric: fred
frederica friederike frederika federica fryderyka
frederick friedrich fryderyk frederic federico frederik
gabriele gabriela gabrielle
galina: galya
gary garry
geneviève genowefa genoveva: ginette
gennadi: gena
george georg jerzy georges giorgio jorge georgios gheorghe jiri györgy yuri georgi
georgia giorgia
gerard gerhard gerardo gerardus
gertrude gertrud
giovanna: gianna
giovanni: gianni nanni
giuseppe: beppe peppe pino
giuseppina: pina
gregory grzegorz gregor grigori grégoire
grigori: grisha
guadalupe: lupe
guillermo: memo
haley hayley hailey
harald harold
helen helena helene elena yelena hélène
henrietta henriette henryka henrika
henry heinrich henryk henri enrico enrique hendrik henrik
hermina hermine
hussein hossein husain hüseyin hussain
ibrahim ebrahim: ibo
ignacio: nacho
irene irena irina irène
irina: ira
isaac izaak itzhak
isabel: isa
ismail esmail
istván: pista pisti
ivan: vanya
jacob jakub jakob jacques giacomo jacobus
jacqueline: jacquie
james jaime jaume giacomo
janine janina
jeanmarc: jean marc
jeanpierre: jean pierre
jeremy jeremias jérémy jeremiah
jerome hieronim hieronymus jeroen
jesús: chus chuy
joanna johanna giovanna joana juana jeanne
joaquín: quim
john johannes johann giovanni ivan juan joao ioannis jovan jens janos hans sean
jorge: jordi
josé: pepe
josefa: pepa pepita
joseph josef józef giuseppe josé jozef iosif yusuf josip
joshua yehoshua
józsef: józsi
julia julie giulia yulia iulia
karen karin karina
katelyn kaitlyn caitlin
kayleigh kaylee keeley
khadija hatice khadijah
kirsten kirstin kerstin
konstantin: kostya kostja
kristin kristen kirsten
kristoffer: kris
lászló: laci
laurence lorenz lorenzo laurent lars lorens wawrzyniec
leanne lianne
leonid: lyonya
lillian liliana lilian
louis ludwig luigi luis ludwik lodewijk
lucas lukas łukasz luke luca luc
luigi: gigi gino
luke lukas
lyubov: lyuba
lyudmila: lyuda mila
madeleine madeline madelon madlen madelyn
magdalene magdalena madeleine maddalena
mahmoud mahmut
manuel: manolo manu
margaret margarete małgorzata marguerite margherita margarita margaretha
margrethe: grethe
mariechristine: marie christine
marissa marisa
mariya: masha mascha
mark markus marek marco marc marcus
marleen marlene marlena
martin marcin martino martín maarten
martina martine martyna
mary maria marie marija mariya
matilda mathilde matylda
matthew matthäus mateusz matteo mathieu mateo matheus
matthias maciej mathias mattia matyas
megan meghan
mercedes: merche
michael michał michel michele miguel mihai mikhail michiel mykhailo mihail mihaly
michele: lele
michelle michele
miguel: miki
mikhail: misha mischa
mohammed muhammad mohamed mohammad muhammed mohamad mehmet mohamet: mhd md mohd mo
montserrat: montse
moses moshe mousa
mustafa mostafa: musti
nadezhda: nadya
naomi noemi noémie
natalia: natasha natascha
natalie natalia
nicholas nikolaus mikołaj nicolas nikolai nicolaas nicolae mykola niklas
nikolai: kolya kolja
noël noel
oksana: ksenia
olga: olya
oliver olivier oliwier
omar ömer umar
osman uthman othman
ottilie otylia
patrick patryk patrice patrizio
paul paweł paolo pablo pavel paulo pavlo pawel
paula paola
pauline paulina paulien
pavel: pasha
peter piotr pieter pierre pietro pedro petr petar pyotr petros
philip filip philippe felipe filippo
philippa filipa
pilar: pili
pyotr: petya
rachel rachael raquel rahel
rafael: rafa
raffaele: lello
ralph raoul raul
raphael rafał rafael raffaele
raymond raimund rajmund ramón
rebecca rebekah
renate renata
richard ryszard riccardo ricardo
robert roberto
roberto: beto
rosario: charo
rose rosa róża
roxanne roksana roxana
ruben reuben rubén
sabine sabina
salvador: salva
salvatore: toto turi salvo
sándor: sanyi
santiago: santi diego
sean shaun shawn
sebastián: sebas
selina celine celina selena
sergei: seryozha
siegfried zygfryd
siegmund zygmunt sigismund
silvia sylvie sylwia
simon szymon shimon
simone simona
sofia: sonya sonja
sophie zofia sofia sofie
stanislav: stas
stephanie stefania
stephen stefan stefano étienne esteban szczepan stepan
susan susanne zuzanna suzanne susana zuzana
svetlana: sveta
tatiana: tanya tanja
teresa: tere
theodor teodor theodore fyodor teodoro
theresa teresa therese térèse
thomas tomasz tommaso tomás toma
timothy timotheus tymoteusz timofey
tracy tracey
ursula urszula orsolya
valentine valentin walenty valentino
valerie valeria
vasili: vasya
veronica véronique weronika
véronique: véro
victor wiktor vittorio
victoria wiktoria vittoria viktoriya
viktor: vitya
vincent vinzenz wincenty vincenzo vicente
vincenzo: enzo
violet violetta wioletta
virginia virginie
vitali: vitalik
vivian vivienne
vladimir volodymyr: vova volodya vlad vladi
vyacheslav: slava
walter gualtiero wouter
wilfred wilfried
wilhelmina wilhelmine wilhelma
william wilhelm guillaume guglielmo guillermo willem
xavier javier: xavi
yasmin yasmine jasmijn jasmina
yekaterina: katya katja
yelena: lena
yevgeni evgeni evgenij: zhenya
yuri: yura
yusuf youssef yousef yusef
yvonne iwona ivonne
zeynep zainab zeinab
zinaida: zina
zsuzsanna: zsuzsa
"""
