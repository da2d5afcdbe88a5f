"""German given names with their short forms and pet forms, in Germany, Austria and Switzerland.

Each line is a name in its full forms, and after the colon its short forms; a form may belong to several names. Only
forms under which one and the same person appears are here: Jörg comes from Georg, but a Jörg is not called Georg.

Written for Kith from general knowledge; nothing is copied. Compared with the pairs of short and full names in the c't
name dictionary `nam_dict.txt` (Jörg Michael, 2008) and with Wikipedia's article "Kosename".
"""

TABLE = """
adelheid: heidi heide adele
adolf: adi dolf dölf
agnes: agi
albert: bert berti albi
albrecht: albert bert
alexander: alex sascha xander sander lex
alexandra: alex sandra sascha xandra lexi
alfons: fons fonsi alfi
alfred: fred fredi freddy alf
alois aloisius: lois loisl luis
aloisia: loisi
amalie: mali male
anderl: andreas
andrea: andi
andreas: andi dres dries
angela: angi geli
angelika: geli angi gela
anna: anne anni ann annchen annerl nanni nandl
annegret: anne gret
anneliese annelie: anne liese
annemarie: anne marie annemie
annette: nette
anton antonius: toni tone tonerl
antonia antonie: toni
arnold: arno arnd arne noldi
august augustin: gust gustl gusti
auguste augusta: guste gusti
balthasar: balz balzer baltes
barbara: bärbel babsi babs barbi wetti babette
bartholomäus: bartel barthel bart
beate: bea
beatrix beatrice: bea trixi
benedikt: bene benni ben
benjamin: ben benni benno
bernhard: bernd bernt berni berno
berta: berti
berthold: bert berti
bettina: tina betti
birgit birgitta: biggi gitti
brigitte brigitta: gitti gitta gitte biggi
burkhard burkart: burk
cäcilie cecilia: cilli zilli
caroline carolin karolina: caro karo line lina
charlotte charlotta: lotte lotti lottchen charly
christa: christel
christian: chris krischan kris
christiane: chris chrissi
christine christina: tina tine chris chrissi christel christl kristin
christoph: chris chrissi toph stoffel
christopher: chris toph christoph
claudia: claudi
clemens: clemo mens
cordula: corda cordi
cornelia: conny nele nelly corny
dagmar: daggi
daniel: dani danny dan
daniela: dani
dieter: didi
dietmar: dieter didi
dietrich diedrich: dieter dirk didi dietz
dominik: domi dome nick
dorothea dorothee: doro dora dorle dorli thea dörte
eberhard: ebi ebbo hardy ebert
edeltraud: edel traudl traude
edmund: edi mundl
eduard: edi ede eddie
ekkehard eckart eckhart: ekki
eleonore eleonora: lore nora leni elli
elfriede: friedi elfi frieda friedel
elisabeth: bethli elisa elise elsa else elsbeth elli ella lisa lisbeth lis liese liesel lisl lilli betti beth sissi
emanuel: manuel manu mani
emilie: emmi milli emily
erika: riki
ernestine: erna erni tine
ernst: erni erno
eva: evi evchen eve
evamaria: eva maria
felicitas: feli fee
ferdinand: ferdi ferdl nando
florian: flo flori
franz franziskus: franzl franzi
franziska: franzi ziska fanny
friederike frederike: frieda rike riki fritzi friedel
friedhelm: friedel
friedrich: fritz frieder friedel fiete fred frido fridolin
gabriele gabriela: gabi
genoveva: vevi veva
georg: schorsch girgl gorch
gerhard gerhardt gerhart: gerd gert geert gerdi hardy
gerlinde: linde gerli
gertrud gertraud: gerda gerti trude trudi traudl
gisela: gisi gila
gottfried: götz friedel godi
gottlieb: godi liebl
gudrun: gudi
gundula: gundi gunda
günter: günni günne
gustav: gustl gusti
hannelore: hanne hanni lore
hansgeorg: hans georg schorsch
hansjoachim: hans joachim achim jochen hajo
hansjörg: hans jörg
hansjürgen: hans jürgen hajo
hanspeter: hans peter hape
harald: harry harri
hartmut: hardy
hedwig: hedi hede hedda
heidemarie: heidi heide
heinrich hinrich: heinz heiner heini hinnerk hein henner henry henrik
helene helena: lene leni lena hella
helga: helgi
helmut: helmi helle heli
henriette: jette henni
herbert: bert herb herbi
hermann: hemme manni
hermine: mina minna hermi
hildegard: hilde hilda hildi
holger: holgi
horst: hotte
hubert hubertus: hubi hubsi bert
ignaz: naz igi
ingeborg: inge inga ingi
ingrid: inge ingi
irene: reni
irmgard: irmi irma irmchen
isabella isabelle: isa bella
jacqueline: jacky
jakob jakobus: köbi jockel
jasmin: jassi
jennifer: jenny
jessica: jessi
joachim: achim jochen jochem jo joe
johann: hans jan
johanna johanne: hanna hanne hanni jo
johannes johann johan: hans hannes hansi hansl hennes jan jo
jonathan: jon joni
josef: sepp seppi sepperl jupp beppo jo joe pepi josi joschi
josefine josefa: josi fine fini pepi
judith: judi
julia: jule juli julchen
julian: juli
juliane: jule juli liane
julius: juli
jürgen: jogi jürg
karl: kalle kalli karli charly carlo charles
karlheinz: karl heinz kalle
kaspar: kasper
katharina katharine kathrin: käthe käthi katja kathi trine katrina
klara: klärchen klärle
klaus: nikolaus klas
klauspeter: klaus peter
konrad: kurt kunz konni
konstanze: conny stanzi
kreszenz kreszentia: zenzi
kunigunde: kuni gundi
kurt: kurti
lambert: lampe bert
leonhard: leo leon lenni hardy
leonie: leo loni
leopold: leo poldi
liselotte: lilo lotte lotti
lorenz laurenz laurentius: lenz enz
ludwig: lutz luggi wiggerl lui
luise luisa: lulu lou
lukas: luki luca
magdalena magdalene: magda lena lene leni madlen
manfred: manni manne fred
manuel: manu mani
manuela: manu ela
margarete margareta margret: margit margrit margot marga grete gretel greta gretchen rita meta
maria marie: mia mariechen mariele mimi mitzi ria
marianne: nanni
marieluise: marie luise malu
markus: mark maggus
marlene: lene leni
marlies: marie
martin: martl marti mart
martina: tina tini
mathilde: thildi tilda tilli hilde
matthias mathis: matze hias matti mats
maximilian: max maxi maxl
maximiliane: maxi
mechthild: hilde mecki
melanie: mel melli
michael: michi michel michl mike maik micha mischa mick
michaela: michi micha ela
miriam: miri
monika: moni mona
moritz: mo mauritius
natalie: nati nat
nepomuk: muck
nicole: nici nicki
nikolaus: klaus nick niko niklas nickel nikolas
nina: ninchen
norbert: bert nobbi norbi
oliver: olli oli
oskar: ossi
oswald: ossi
otmar: otto
ottilie: tilli otti
patricia: pat patti trixi
patrick: pat paddy
paul paulus: paule pauli paulchen
paula: pauli
pauline paulina: paula line lina
peter petrus: pit pitt peterl pete
petra: peti petzi
philipp: phil lipp flip
raimund: mundl ray
rebekka: becky bekki
regina regine: regi gina
reinhard: reini hardy
reinhold: reini
renate: reni nati rena
richard: richi ricky
robert: robi rob robby bob bobby bert
roland: roli rolli
rosa: rosi rösli rosl
rosemarie: rosi romy rosl
roswitha: rosi witha
rüdiger: rudi rüdi
rudolf: rudi rolf
rupert ruprecht: rupp
sabine sabina: bine bini
sabrina: sabi brina
samuel: sam sami sämi
sebastian: basti bastian wastl seb
sibylle: bille billa
siegfried: sigi friedel
sieglinde: linde sigi linda
siegmund sigismund: sigi
sigmar: sigi
sigrid: sigi
silvia: silvi
simon: simi
simone: moni simi
sofie: sofia fie
stanislaus: stani
stefan: steff steffl steffen steve
stefanie stefania: steffi
susanne susanna susann: susi suse sanne sanni
svetlana: sveta lana
tatjana: tanja tati
theobald: theo
theodor: theo teddy
theodora: dora thea theo
therese theresa theresia: resi resl theres
thomas: tom tommi tömi
tilman: till
timotheus: tim timo
tobias: tobi tobe
ulrich: uli ueli utz
ulrike: uli ulla rike riki
ursula: uschi ulla ursel uli ursi
valentin: vale valti velten
valentina: vali tina
valerie: vali
vanessa: nessi nessa
veit vitus
verena: vreni reni vroni
veronika: vroni vera roni
viktor: vik
viktoria: vici tori
vinzenz vincent: vinz
volker: volki
walburga: walli burgi
waldemar: waldi
walter: walti waldi
waltraud: traudl traudi walli
werner: werni wernhard
wilfried: willi
wilhelm: willi will helm wilm willem
wilhelmine: minna mina wilma helma willi
willibald: willi
winfried: winni
wolfgang: wolf wolfi wolle
wolfram: wolf
"""
