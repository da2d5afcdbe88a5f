"""Common given names of Europe and the Americas that no table of a language contains.

Two common names that are not forms of one name are names of two people, however similar they are: Mario is not a
misspelled Maria. So a name belongs here if another common name differs from it by one or two letters only.

The names are the most popular ones of each country according to Wikipedia, by way of the public domain list
sigpwned/popular-names-by-country-dataset (CC0), and others from general knowledge.
"""

TABLE = """
aafke adem adil adin adomas adrians afonso agustín agustina aikaterini aimar aino aitana ajda aksel alana alberte
aleksandar alessia aletta aline alisa allen alma alparslan alteo álvaro alvin amaia amar amara amaris ámbar amber
ambra ambre amélie amina amir andrej androula ángel angus anke annika ansgar antonella aoife april aras arda aria
ariel arjan arjen arlene arleta armin artem artiom asel ashton asta astrid athanasios aþena atlas aukje aurélie
aurora austin autumn ava avery aylin azariah aziz azra bailey balbina baptiste barry bauke bautista beau benas bence
benedita benicio benoît berend berenika berry beryl bilal biljana birte bisera bjarne björn blake bodo bogdana
boglárka bojan bonnie boyd brandy brenda brendan brent brian briana britta brody brooke bruce brunhilde bryce burak
byron callum cara carla carsten cedric chad charlene chase cheryl chloe cillian ciro claude clay clément cleo clive
cody coen coert cole colleen connor coralie craig crystal dagny dale dalila damir danel daniels danijel dara darcy
daris darla darlene darletta darrell darren darryl dārta davud dawn dean deanna declan defne deirdre dejan delfina
dena desmond didier diethelm dieuwke dillon dimitar dimitra dimitrios dinie dion dmytro dobromir dominykas doreen
dorian dorien doris douwe dragan dragana duarte dunja dušan dustin dwayne dylan džan éabha earl ebony ecrin edda
eden edoardo eelco efe egon eithan elaine eleni elias elif elin eliška elizaveta elke elodie elton elvis eman embla
emiliano emīls emine emir emmett emre engelbert enid erdem erhard erin erol erwin esma esme ethan eugénie evan ewald
ewout eylül eymen fabian fabio fabrice faith fatih faye feike fenna fern fernanda fiadh finja finlay finley fiona
fleur floortje fokke folkert frauke freja gabija gael gaëlle gareth garth gaspar gaston gavin gaynor gea gemma
gerben gernot gero gerónimo gesa gesine ginevra gladys glen glenda gogo gökhan göktug goran gordana graeme grant
guido gunnar gustavo gustavs hagen håkan halil hamza hanno harley harper harris hartwig harun hasan hauke hazel
heath heidrun heike heiko heitor helge henning herkus herma herta herwig hilmar holly hope hudson hunter iain ibai
iben ida iker ila ilias ilija ilka imke ine ineke ines ingo ingvar irati iris isidora isla israel ivana ivy izaro
jade jakov jalen jannik jared jayden jayne jeanet jed jēkabs jelena jelle jelmer jerónimo jet jitske jodie joëlle
jokūbas jökull jolene jonah jonas jördis jorien jörn jorrit josine jovana julen juliette june jurre jurrien jutta
kaia kairo kajus kalina kaloyan karim kārlis karst katla kayla kazimiera keanu keira keith kelsey kelvin kemal
kendall kendra kent kerem khalid kian kiara kieran kilian kirk klaske klea knut koa konstancja konstantina
konstantinos kora kyle kyra kyriaki laia lamija lan lance landon lara lazar leander leandra leano leevi lejla
lennart leona leonardo leonor levente lía lian lieke liepa lilien lilja linnea linus lio lisanne logan lonneke lora
lorena loretta lorna lothar lourenço lovro lowell luana luann luciana ludmiła ludovica luknė luna lyle lynette
maaike maartje magnus maike maisie maitê malachi malen malte malwina manaia mandla manon mara marcos mareike maren
margarida margo marika marina marion marios marisol marita marjolein markas markel marks marloes marlon marshall
martim marzanna marzena mason matas máté matěj matthildur matvey mavis maxime maximiliano mehdi melek melina melitta
melody menno meredith merel merjem merle merve meryem mesut mette michalis mikaere milan milana milica miraç mirela
mirja mirjana mirko miron mohand moira morgan murat myrthe myrtle nadège nahia nehir nelio nenad nia nienke nikau
nikol nikolaos nil nino noah nola noreen norma nour nuria oana océane odile oğuz oihan oisin okan oktawia olaf ole
olive ona onni onno onur opal ora orhan orla orlando ornella ortwin otis ottokar owen paige paloma panagiota
panagiotis paraskevi paris parker pascal pascale pearl pernille perry peyton pia piers pleun polina poppy preston
quinten radmila radu rainer ralfs raluca ramona rasmus ravi raya reece reed regan reina reinhild relja remco rémi
renaud rex rhiannon rhonda rían rianne rico riley roan roberts rocío rocky roko romain romana ronja rory rosalba
rosalie rosanna rosina rosmery rowan royce rune safija saga sakura salma salomé samir samira sandrine saskia saul
savannah scarlett scott selim selma sem serdar sergio şerife serkan şeyma shannon shea shelby sherry sibel siebe
silke silvio sinan siv sjoerd sjoukje skylar slavica snezana solène solomiya solveig sören stéphane stuart sultan
summer svea sven svenja swantje sylvain tadhg tamer tara tarek tatum terrell than thiago thierry thilo thirza
thorsten tia tijmen tiziana tjeerd tjitske todd toivo tola torben tove travis trent trevor trina trinidad trinity
tristan troy tuğba twan tyra tyrone tyson udo ufuk ulf umut una uta ute uwe väinö vasileios vasilije vasiliki
vasilisa vaughn velma venla verity verna vesna viktorie vivien volkan vuk wade wayne wencke wendelin wessel wiebke
wietse wilco willow ximena yara yasemin yasin yeva ylva yvette zahir zala zalán żaneta zehra zelda zoran zümra
"""
