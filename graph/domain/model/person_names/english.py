"""English given names with their short forms and pet forms, in the British Isles, North America and Australia.

Each line is a name in its full forms, and after the colon its short forms; a form may belong to several names. Forms
of registers are here too (`wm` for William). Names that only come from the same root are not: a Joan is no Jane.

Written for Kith from general knowledge; nothing is copied. Compared with the public list carltonnorthern/nicknames: its
rare and historical forms are left out.
"""

TABLE = """
aaron: ron ronnie
abigail: abby gail
abraham abram: abe bram
adam: ad
adelaide: addie ada della
adeline: addie ada
adrian: ade
agatha: aggie
agnes: aggie nessie
alan: al
albert: al bert bertie albie
alexander: alex alec al sandy xander lex sasha alick
alexandra alexa: alex sandra lexi sandy sasha
alexis: alex lexi
alfred: alf alfie fred freddie al
alice: ali elsie
alicia: ali
alison: ali allie
allegra: ally
amanda: mandy amy
amelia: amy millie mel
anastasia nastassia anastassia: stacy ana stasia
andrea: andie
andrew: andy drew
angela: angie
angelina: angie lina
anita: nita
ann anne anna: annie nan nancy nanny
annabel annabelle anabella: bella belle
annette: netta
anthony antony: tony ant
antoinette: toni netta
antonia: toni
archibald: archie baldie
ariana: ari
arnold: arnie
arthur: art artie
ashley: ash
audrey: aud
augusta: gussie
augustus: gus augie august
barbara: barb babs barbie bab
barnabas: barney
bartholomew: bart
beatrice: bea trixie beattie
belinda: bel linda
benedict: ben bennie
benjamin: ben benny benj benji
bernadette: bernie
bernard: bernie barney
bernice: bernie
bethany: beth
beverly: bev
bradley: brad
brandon: bran
bridget: biddy bridie
caleb: cal
calvin: cal
cameron: cam
camilla: cam millie milla
camille: millie cam
candace candice: candy
carl: carlie
carol carole: carrie
caroline carolyn: carol carrie caro lynn
cassandra: cass cassie sandra
cassidy: cass cassie
catherine katherine kathryn katharine: cathy kate katie kathy kat kit kitty kay cat
cecilia: cissy celia cecily
celeste: celia
charles: charlie chuck chas chaz chip charley
charlotte: lottie charlie lotta char
chelsea: chels
chester: chet
christian: chris
christina: chris chrissy tina christy kirsty
christine: chris chrissy tina christy
christopher: chris kit topher kris
clara clare: claire
clarence clare
clarissa: clara
claudia: claud
clifford: cliff
clinton: clint
clyde: cly
constance: connie
cordelia: cory delia
cornelia: nellie corrie
courtney: court
curtis: curt
cynthia: cindy cindi
cyril: cy
daisy: margaret
daniel: dan danny danl
danielle daniella: dani
daphne: daph
david: dave davy davey
deborah debra: deb debbie
delilah: lila dell
delores: lola dolly
denise: denny
dennis: den denny
derek: del
diana diane: di
dolores: lola dolly
dominic: dom nick nic
donald: don donnie
donna: donnie
dorothy dorothea: dot dottie dolly dora dodie
douglas: doug dougie
duncan: dunc
dwight: ike
edgar: ed eddie
edith: edie
edmund: ed eddie ned ted
edna: eddie
edward: ed eddie ned ted teddy edw eddy
edwin: ed eddie win
eileen aileen
eldon: don
eleanor: ellie nell nora ella lenore nellie
elijah: eli lige
elizabeth: liz lizzie beth betty betsy bess eliza lisa elsie libby elise elspeth bessie lilibet lizbeth
ella: ellie
ellen: nell nellie ellie
elliott: eli
eloise: lois
emanuel: manny manuel
emily: em emmy millie
emma: em emmy
erica: ricky
ernest: ernie
ernestine: erna
esther: essie hettie
ethel: eth
eugene: gene
eugenia: genie gena
evangeline: eva angie
eve: evie eva
evelyn: eve evie
ezekiel: zeke
ezra: ez
felicity: fliss flick
ferdinand: ferdie
florence: flo flossie florrie
frances: fran fanny franny francie frankie
francine: fran frankie
francis: frank frankie fran
franklin: frank frankie
frederick: fred freddie rick fritz
gabriel: gabe
gabrielle: gabby gabi
genevieve: gen ginny eve
geoffrey jeffrey: geoff jeff
george: georgie geo
georgia: georgie
georgina georgiana: georgie gina
gerald: gerry jerry
geraldine: gerry
gerard: gerry jerry
gertrude: gertie trudy
gilbert: gil bert
gillian: gill jill
gloria: glory
gordon: gord gordie
grace: gracie
graham: gram
gregory gregg: greg
gustav: gus
gwendolyn: gwen
hannah hanna
harold: harry hal
harriet: hattie harrie
harrison: harry
harvey: harve
heather: hettie
helen helena: nell nellie lena
henrietta: etta hettie
henry: harry hank hal
herbert: herb bert herbie
herman: herm
hilary: hil
honora: nora
horace: horry
howard: howie
hubert: bert hugh
hugh: hughie hugo
imogen: immy
irene: rene
irving irvin: irv
isaac: ike zac
isabel isabella isobel isabelle: bella izzy belle ibby
isaiah: ike
isidore: izzy
jackson: jack
jacob: jake
jacqueline: jackie jacqui
james: jim jimmy jamie jas jem jimmie
jane: janie jenny
janet: jan
janice: jan
jason: jay
jean: jeannie
jeannette jeanette janette: jean nettie
jeffrey: jeff geoff
jemima: jem mima
jennifer: jen jenny jenna
jeremiah: jerry jem
jeremy: jerry jez jem
jerome: jerry
jesse: jess
jessica: jess jessie
joan: joanie
joanna joanne: jo
jocelyn: joss
joel: joe
john: jack johnny jon jock jackie
jonathan jonathon johnathan: jon jonny nathan
jordan: jordie
joseph: joe joey jos jo
josephine: jo josie
joshua: josh
joyce: joy
juanita: nita
judith: judy
julia: julie jules
julian: jules
juliana: julie jules julia
julie: jules
julius: jules
justin: jus
karen: kari
katelyn: kate katie
kathleen: kathy kath kay kate kat kathie
kaylee keeley kayleigh
kelly: kel
kenneth: ken kenny
kerry: ker
kevin: kev
kimball: kim
kimberly kimberley: kim kimmy
kristen kristin: kris
laura: laurie lori
laurel: laurie
lauren: laurie
laurence laurance lawrence: larry lars laurie lawrie loren
lavinia: vinnie
leah: lea
leigh: lee lea
leo: lee
leonard: len lenny leo
leonora: nora
leroy: roy lee
leslie: les
leticia: letty
lewis louis: lew lou
lillian: lily lil
lincoln: linc
linda: lin lindy
lindsay lindsey: lin
lloyd: floyd
lorraine: lorrie
louis: lou louie
louise louisa: lou
lucas: luke
lucille: lucy
lucinda: lucy cindy
lucy lucia: lu
luther: lu
lydia: liddy
lynn: lin
mabel: may
mackenzie: kenzie mac
madeleine: maddie maddy madge lena
madison: maddie
magdalena: maggie lena
malcolm: mal
marcella: marcy
marcia: marcy marsha
margaret: maggie meg peggy peg marge margie madge greta daisy rita margot meggie mags
margery: marge
maria: mia ria mary
marianne: mary
marie: mary
marilyn: mary
marjorie: marge margie
mark: marky
martha: marty mattie patty
martin: marty
martina: marty tina
marvin: marv
mary marie maria: molly polly may mamie mae minnie
matilda: tilly mattie maud
matthew: matt matty
maureen: mo
maurice morris: morrie moe maury
maximilian: max
maxine: max
maxwell: max
megan: meg
melanie: mel
melinda: mel mindy linda
melissa: mel missy lissa
melvin: mel
mercedes: mercy
michael: mike mick mickey micky mikey
michelle: shelly mickey chelle
mildred: millie
miles: milo
millicent: millie
milton: milt
minerva: minnie
miranda: mandy randy
miriam: mimi
mitchell: mitch
monica: mona
montgomery: monty
mortimer: mort
moses: moe mose
muriel: mu
myra: mira
nadine: nada
naomi: nomi
natalie: nat nattie
natasha: tasha nat
nathan: nat nate
nathaniel: nat nate nathan
neil: neal
nelson: nels
nicholas: nick nicky nico colin
nicola: nicky nic
nicole: nicky nic nikki
nigel: nige
nora norah
norman: norm
oliver: ollie noll
olivia: liv livvy ollie
oscar: ozzie
oswald: oz ozzie
pamela: pam
patricia: pat patty patsy trish tricia trisha
patrick: pat paddy patsy rick
paul: paulie
paula: polly
paulina: polly
pauline: polly
penelope: penny
percival: percy
peter: pete petey
philip: phil pip
philippa: pip pippa
phoebe: fee
phyllis: phyl
priscilla: cilla
prudence: prue
quentin: quin
rachel: rae
ralph: rafe
randall: randy
randolph: randy
raphael: rafe raf
raymond: ray
rebecca: becky becca bec
regina: gina
reginald: reg reggie
reuben: rube ben
richard: rick rich dick ricky richie rickie richd
robert: bob rob bobby robbie bert robin robt
roberta: bobbie robbie
robin: rob
roderick: rod roddy rick
rodney: rod roddy
roger: rodge
roland: rollo rolly
ronald: ron ronnie
rosalind: ros roz
rosamund: ros roz
rose: rosie
rosemary rosemarie: rosie romy
roxanne: roxy
ruby: rube
rudolph: rudy
rupert: rupe
russell: russ
ruth: ruthie
sabrina: brina
salvatore: sal
samantha: sam sammy
samson: sam
samuel: sam sammy saml
sandra: sandy
sarah: sally sadie sal
sebastian: seb bastian
selina: lina
serena: rena
seth: set
seymour: sy
sharon: shaz shari
sheila shelagh
shirley: shirl
sidney: sid
silas: si
simon: si
solomon: sol solly
sophia: sophie soph
spencer: spence
stacy: stace
stanley: stan
stella estelle
stephanie: steph stevie steffi
stephen steven: steve stevie steph
stewart: stu
susan susanna susannah suzanne: sue susie suzy sukie
suzanne susan: sue susie suzy
sybil: syb
sylvester: sly vester
sylvia: sylvie
tabitha: tabby
tamara: tammy
tamsin: tammy
terence terrance: terry
teresa: terry tess tessa tracy
theodora: dora theo thea
theodore: ted teddy theo
thomas: tom tommy thos
thomasina: tamsin
tiffany: tiff
timothy: tim timmy
tina: christina
tobias: toby
trudy: gertrude
tyler: ty
ursula: ursie
valentine: val
valerie: val
vanessa: nessa
vera: veronica
vernon: vern
veronica: ronnie nica
victor: vic
victoria: vicky tori vic
vincent: vince vin vinny
violet: vi
virgil: virge
virginia: ginny ginger
vivian: viv
wallace: wally
walter: walt wally wat
warren: ren
wendy: gwendolyn
wesley: wes
wilbur: will
wilfred: wilf will fred
wilhelmina: mina billie wilma minnie willa
william: will bill billy wm willy liam billie
winifred: winnie freda
winston: win
woodrow: woody
xavier: xav
yolanda: yola
yvonne: vonnie
zachary: zach zack zac
zoe: zo
"""
