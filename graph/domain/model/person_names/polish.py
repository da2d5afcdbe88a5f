"""Polish given names with their diminutives (zdrobnienia).

Each line is a name in its full forms, and after the colon its short forms; a form may belong to several names. Longer
diminutives that only differ by an ending (Tomeczek) are left out unless they are in wide use.

Written for Kith from general knowledge; nothing is copied. Compared with the public list
Selenuix/Polish-Name-Variations.
"""

TABLE = """
adam: adaś adamek
adelajda: ada adela
adrian: adi adek adrianek
adriana adrianna: ada adusia
agata: agatka aga
agnieszka: aga agusia jagna agnisia
albert: bercik albercik
aldona: donka
aleksander: olek alek aleks oluś
aleksandra: ola olka oleńka olcia sandra olusia aleks
aleksy: alek aleks
alicja: ala alunia alusia alka
alina: ala alinka
alojzy alojz: lojzek
ambroży: ambrożyk
amelia: amelka mela
anastazja: nastka nastusia stasia
anatol: tolek
andrzej jędrzej: jędrek jędruś andrzejek jędrzejek
aneta: anetka
aniela: anielka nela
anita: anitka
anna: ania anka anusia hania aneczka andzia anula
antoni: antek antoś tosiek tolek toni
antonina: tosia antosia tonia
apolonia: pola polcia
arkadiusz arkady: arek aruś
artur: artek artuś turek
august: gustek gucio gutek
augustyn: gustek
barbara: basia baśka barbarka basieńka
bartłomiej bartosz: bartek bartuś bartłomiejek
bartosz: bartek bartuś
beata: beatka becia
benedykt: benek benio
benjamin beniamin: benek
bernard: benek bernardek
błażej: błażek
bogdan bohdan: bodek boguś
bogumił: boguś miłek
bogumiła: bogusia miłka
bogusław: boguś sławek bogusz
bogusława: bogusia bogna sława
bolesław: bolek boluś
borys: borysek
bożena: bożenka
bronisław: bronek broniek
bronisława: bronia bronka
brunon: bruno
brygida: brygidka
cecylia: cesia cela
celina: celinka cela
cezary: czarek
cyprian: cypek
cyryl: cyrylek
czesław: czesiek czesio czeslaus
czesława: czesia
dagmara: daga dagusia
damian: damianek
daniel: danielek danek
daniela: dana danusia
danuta: danka danusia danuśka
daria: darka darusia
dariusz: darek daruś
dawid: dawidek dave
denis: denisek
dominik: domin domek dominiczek
dominika: domi nika dominiczka domisia
dorota: dorotka dosia
edmund: edek mundek edzio
edward: edek edzio edi
edyta: edytka edzia
eleonora: nora ela lena
elwira: ela elwirka
elżbieta: ela elka elżunia bietka elżbietka
emanuel: manek
emil: emilek
emilia: emilka mila
ernest: ernestek
eryk: eryczek
eugenia: genia gienia
eugeniusz: genek gienek genio gienio
ewa: ewka ewunia ewcia ewusia
ewelina: ewelinka ewka ela
felicja: fela
feliks: felek feluś
ferdynand: ferdek
filip: filipek filek fifi
florian: florek
franciszek: franek franio franuś
franciszka: frania franka
fryderyk: frycek fredek frydek
gabriel: gabryś
gabriela: gabrysia gaba gabi
genowefa: genia gienia
gerard: gerek
grażyna: grażynka grażka
grzegorz: grzesiek grześ grzechu grzesio
gustaw: gustek gucio
halina: halinka hala halka
hanna: hania hanka haneczka
helena: hela helenka lena
henryk: heniek henio henryczek
henryka: henia
hieronim: hirek
honorata: honorka
hubert: hubercik bercik
iga: jadwiga
ignacy: ignaś ignacek
igor: igorek
ilona: ilonka
irena: irenka irka renia
ireneusz: irek iruś
irmina: irma
iwo: iwek
iwona: iwonka iwka
izabela: iza bela izunia izka
izabella: iza bella
izydor: izek dorek
jacek jacenty: jacuś
jadwiga: jadzia iga wisia jagoda jadźka
jagoda: jagódka
jakub: kuba kubuś jakubek
jan: janek jasiek jaś jasio janko janeczek
janina: janka nina jasia janeczka
janusz: januszek janek
jaromir: jarek mirek
jarosław: jarek jaruś sławek
jerzy: jurek jerzyk juruś
joachim: achim
joanna: asia joasia aśka asieńka
jolanta: jola jolka
józef: józek józio ziutek józefek
józefa: józia
judyta: judytka
julia: julka jula juleczka
julian: julek
julianna: julka julita jula
julita: julka
juliusz: julek
justyna: justynka justysia
kacper kasper: kacperek
kajetan: kajtek
kamil: kamilek
kamila: kamilka mila
karol: karolek lolek
karolina: karolinka karola lina karolcia
katarzyna: kasia kaśka katarzynka kasieńka kasiunia
kazimierz: kazik kazek kazio
kinga: kingusia
klara: klarcia
klaudia: klaudusia klaudynka
klemens: klimek
konrad: konradek radek kondzio
konstanty: kostek
kornel: kornelek
kornelia: nela kornelka
korneliusz kornel
krystian: krystek
krystyna: krysia kryśka krystynka
krzysztof: krzysiek krzyś krzysio krzychu krzysiu
ksawery: ksawerek
ksenia: ksenka
lech: leszek lesiek
lena: lenka
leokadia: lodzia loda
leon: leonek leoś
leonard: leonek
leopold: poldek
lesław: leszek lesiek
leszek: lesiek lesio
lidia: lidka lidzia
liliana: lila lilka lilianka
łucja: łucka lusia
lucjan: lucek lucuś
lucyna: lucynka lusia
ludwik: ludek lutek ludwiczek
ludwika: ludka lusia
łukasz: łukaszek łuki
maciej: maciek maciuś macius
magdalena: magda madzia magdusia lena
maja: majka
maksym: maks
maksymilian maksym: maks maksiu
małgorzata: gosia małgosia gośka goska małgośka gonia rita
marceli marcel: marcelek
marcin: marcinek cinek
marek: mareczek maruś
maria: marysia mania maryla marylka majka mariola maryśka
marian: maniek marianek manio
marianna: marysia ania mania
mariola: mariolka
mariusz: mariuszek mario
marlena: lena marlenka
marta: martusia martunia
martyna: martynka
mateusz: mateuszek mati mateo
matylda: matyldzia
michał: michałek michaś misiek misiu
michalina: michasia misia
mieczysław: mietek miecio mieszko
mieczysława: miecia
mikołaj: mikołajek miki mikuś
milena: milenka mila
miłosz: miłoszek miłek
mirosław: mirek mireczek
mirosława: mirka mira
monika: monia moniczka monisia
natalia: natalka nati tala
nikodem: nikoś niko
nikola: nika
norbert: norbi norbercik bercik
olga: ola olgusia olka
olgierd: olek
oliwia: oliwka liwia
oskar: oskarek
patrycja: pati patka patrysia
patryk: patryczek patryś
paulina: paulinka paula pola
paweł: pawełek pawlik pawlo
pelagia: pela
piotr: piotrek piotruś piter
przemysław: przemek przemo przemuś sławek
radosław: radek radzio sławek
rafał: rafałek rafcio rafi
rajmund: mundek
regina: reginka renia
remigiusz: remik remek
renata: renia renatka
robert: robercik robek bercik robuś
roksana: roksi
roman: romek romuś
romuald: romek
róża: rózia różyczka
rozalia: rózia rozalka
rudolf: rudek
ryszard: rysiek rysio ryś rychu
sabina: sabinka
sandra: sandrusia
sebastian: seba sebek bastek
sergiusz: serek
seweryn: sewek
sławomir: sławek sławuś
stanisław: staszek staś stach stasiek stasio
stanisława: stasia staszka
stefan: stefek stefcio
stefania: stefa stefcia
sylwester: sylwek
sylwia: sylwka sylwunia
szczepan: szczepek
szymon: szymek szymuś szymonek
tadeusz: tadek tadzio tadzik
teodor: teoś todek dorek
teofil: filek
teresa: tereska renia terenia
tobiasz: tobiaszek
tomasz: tomek tomuś tomcio tomko tomaszek
tymon: tymek
tymoteusz: tymek tymon
urszula: ula ulka urszulka
wacław: wacek wacuś
wacława: wacia
waldemar: waldek walduś
walenty: walek
walerian: walerek
wanda: wandzia
wawrzyniec: wawrzek
weronika: weronka wera nika
wiesław: wiesiek wiesio
wiesława: wiesia
wiktor: wiktorek witek
wiktoria: wika wiki wiktorka tosia
wilhelm: wiluś wilek
wincenty: wicek wincent
wioletta: wiola wioletka
witold: witek wituś
władysław: władek władzio
władysława: władzia
włodzimierz: włodek włodzio
wojciech: wojtek wojtuś wojciechu
zbigniew: zbyszek zbysiek zbynio zbychu zbyszko
zdzisław: zdzisiek zdzich zdzicho zdziś
zdzisława: zdzisia
zenobia: zenia
zenon: zenek zenuś
zofia: zosia zośka zosieńka zocha
zuzanna: zuzia zuza zuzka
zygfryd: zyga
zygmunt: zyga zyguś zygmuś
"""
