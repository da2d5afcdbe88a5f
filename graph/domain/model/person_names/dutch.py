"""Dutch given names (doopnamen) with the names by which people are called (roepnamen), in the Netherlands and Flanders.

Each line is a name in its full forms, and after the colon its short forms; a form may belong to several names. Only
forms in wide use are here: a Dutch family may call a Cornelis anything.

Written for Kith from general knowledge; nothing is copied. Compared with the pairs in the c't name dictionary
`nam_dict.txt` (Jörg Michael, 2008) and with the forms of Cornelis in "Avonturen met voornamen" (Jan Keuken, 2017).
"""

TABLE = """
aart: arend art
abraham: bram braam abram ab
adriaan adrianus adriaen: arie ad aad adri adrie rien janus
adriana adrianne: adrie adri janny ria jaan
agatha: aagje aag agaath
albertina: bertie tine
albertus albert: bert bertus ab appie
aleida: alie aaltje alida lida leida
alexander: alex xander sander lex
alexandra: alex sandra xandra
alfons alphonsus: fons
alfred: fred
aloysius: lowie
ambrosius: broos ambro
andreas: andries dries andré
anna: an anneke anne annie ans annet antje anja anouk naatje anny
annemarie: anne marie annemiek annemieke
antonia antoinette: toos tonny toni tonia teuntje
antonius anton antoon antonie: toon ton teun toine tonny tony tonnie theun
arnoldus arnold: arno nol noud
augustinus august: guus stijn gust
balthasar: bas balt
barbara barbera: babs bar
bartholomeus: bart barth bartel meeuwis mees
bastiaan sebastiaan: bas bast basje
beatrix: trix bea
benedictus: ben bennie
benjamin: ben bennie
bernardina: dina dien bernadette
bernardus bernard: ben bernd bennie nard
boudewijn: bou bouke
brigitta: britt gitta birgit
caspar: jasper kasper cas
catharina catrien: katrien trien trijn toos cato ria rina kaat tineke carina karin kitty ina tine tini toke tinie
cecilia: cilia cis cil
christiaan christianus: chris chriet kris
christina christien christine: chris tina stien stijntje tine kristien stina
christoffel christopher: chris stoffel
clara: klaartje klaar
constantia: connie stans
constantijn: constant stan stijn tijn
cornelia cornelie: cor corrie nel nelly neeltje conny nelleke corry
cornelis cornelius: kees cees cor corné nelis kors ko
daniel: daan danny dan
david: dave daaf
dirk: dick diederik derk dik
dominicus: dominique nick mien
dorothea: door thea doortje dora dorine
eduard edward: ed eddy ward
egbert: bert eppo
elisabeth: els bep lies liesbeth elly betsy elsje liesje lisette bets bettie lise ellie elise bertje ilse lisa lizzy
elizabeth: els bep lies liesbeth elly betsy
emanuel: manuel manu
emilia: milly emmy
engelbertus: bert engel
engelina: lina engeltje
erik: rik hendrik
esther: hester es
eva: eefje eveline
everdina: dina eef
evert: everhard everardus eef
femke: fem femmie
ferdinand: ferry nand ferdi
florentius: floris flor
francisca: cisca francien siska fran ciska sisca franca
franciscus: frans frank ciske sus cis
frederik frederikus: fred freek frits rik fedde
frederika frederieke: riek rika freda rieke
gabriel: gaby
geertruida: truus geertje trudy gerda geerte truida trui toos ger
gerarda: gerda gerrie
gerardina: dina gerda gerrie
gerardus gerard gerhardus: gerrit ger gert geert sjra sjaar gerritjan
gerhard: gert geert gerd gerrit
gerrit: ger gerry gert
gerritdina: gerrie dina
gesina: gé sien geesje sientje
gijsberta: berta
gijsbertus gijsbert: gijs bert
godelieve: lieve
godfried godfridus: frits
gregorius: greg joris goris
grietje: griet margaretha
gustaaf: gust guus staf
harmannus harm herman harmen: manus
helena: lena leny heleen leen helma lenie
hendrik hendrikus henri henrik hendricus: henk rik hein henny driek drik hennie
hendrika henriette: riek rika hennie henny riekie drika hendrikje ria
herman hermanus harm: manus herm
hermina: mina mien hermien mientje
hieronymus: jeroen
hilda: hilde
hubertina: tiny bertie
hubertus hubert: huub bert hub huib bertus
ignatius: ignaas naas
ingeborg: inge
isabella: isa bella belle
izaak isaac: ies sjaak
jacoba jacqueline: coba co cobie coby koosje
jacobus jacob: jaap koos ko sjaak jaco coos jakob jac kobus jacques
jan: janus
janna: jannie jans jantje jannetje janneke
jeroen jeroom
johanna joanne: jo joke hanneke hanna annie jopie johanneke jannie jans hannie janna hanny jansje
johannes johan: jan hans joop jo joh hannes johnny sjang wannes jannes han john jos
jonathan: jon
joris georgius: george sjors
josephina: josien fien jos fientje josefien
jozef josephus joseph josef: jos joep sjef jef zef joop
judocus joost: joos jos
juliana: jul julie liana
karel carolus carel: karl sjarel charles
klazina: klaasje ina sien
lamberta: berta bertha
lambertus lambert: bert lam bertus
laurentius laurens: lau rens lars louw
leonardus leonard leendert: leo leen len nard lenard
leonora: nora
leopold: leo pol
lodewijk louis ludovicus lodewicus: lou ludo wiek loek
louisa louise: loes wies wiesje lou
lucas: luc luuk luca
lucia: luus lucie
lutgardis: lut
maarten martinus marten: martin tinus mart tijn martijn
magdalena madeleine: lena magda leen leentje malene
marcellinus marcel
marcus marc: mark marco
margaretha margriet marguerite: greet griet marga gré grietje margreet greetje rita gretha gonda
maria: marie ria mia mieke miep riet marijke mies marja mien marieke rie mary rietje
marinus: rinus rien rini marijn
martha: mart
martina martine: tina tineke
mathilda: til tilly
mattheus matthijs mathieu: thijs theo matt teeuwis
matthias matthijs mathias: thijs ties matty tijs
maurits: mau
maximiliaan: max maxim
mechtildis: til mechteld
melchior: mels
michael michiel: michel chiel giel mike maikel
monica monique: moon
nicolaas nicolaus nikolaas: nico klaas niek nick claas niels
nicole: nicky
norbertus norbert: nor bert
olivier: oli
paulina pauline: lien line
paulus paul: pauw pau pol
petronella: nel nelly petra pietje ella nelleke piet pieternella nellie
petrus pieter peter: piet piter peer pierre pim
philippus philip: flip flippie filip lip
philomena: mena
quirinus quirijn: krijn rinus
regina: ina gina
regnerus: reinier rein
reinhard: rein
reinier reinder renier: rein
richard: rick ries rik
robertus robert: rob bob robbie bert
roelof rudolf: roel ruud
rosa: roos roosje
rosalia: roos rosa
rudolf: ruud rudi roel dolf ruudje
samuel: sam sammie
sara: saar saartje
servatius servaas: vaas
sijbrand: brand siebren
simeon: siem
simon: siem siemen
sophia: sofie fie fieke sofia
stephania stefanie: fanny stef
steven stefanus stephan: stef steef
susanna suzanne susan suzan: suus san sanne
theodora: thea dora door doortje
theodorus: theo dorus door thé dirk ted
theresia: thea trees thérèse tresia resi threes
thomas: tom tommie maas
timotheus: tim timo
tobias: tobi bas
ursula: ursel
valentijn valentinus: tijn val
veronica: vera roon
victor: vic vik
victoria: vicky
vincentius vincent: vince cent sent
walter wouter: wout wouterus
wilfried: wil
wilhelmina willemien wilhelma: wil mien mina willy miep helmi wilma mini minnie helma willemijn willeke
wilhelmus willem guillaume: wim pim will wil helmus willy wiel
zacharias: zach sacha
"""
