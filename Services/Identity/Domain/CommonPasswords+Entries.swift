/// The entries, in lower case: data, to be extended as new lists of leaked passwords teach.
extension CommonPasswords {
  /// Words and names.
  static let words = """
    aaa aaron abba abc abcd abcde abcdef abcdefg abcdefgh access accessgranted acdc acht adam
    adler admin adminadmin administrator adrian affe africa agosto ahmed ahmet ajax aladdin
    albania albanien albert aleksandra alessandra alessandro alex alexander alexandra alexandre
    alexia alfaromeo ali alice alien alina allah alligator alpen always amanda amazing amber
    amen america american amico amore amoremio amour amsterdam ana ananas anderson andre andrea
    andreas andrew android ange angel angela angelika angelina angelo ankara anna anne annie
    anthony antonio anything aout apollo apple april aprile aquaman aragorn arbeit argent
    argentina army arnold arschloch arsenal arthur asd asdasd asdf asdfg asdfgh asdfghjkl
    asdfjkl asdqwe ashley assassin asshole asterix athens atlanta atomic audi august austin
    australia austria automne autumn autunno avengers avril awesome azerty azzurro babe baby
    babyboy babygirl backstreet backup bacon baer bailey balu bambi banana bank banker banking
    barbara barbie barcelona bart bartsimpson baseball basel basketball bastard batman
    battlefield baum bayern bayernmuenchen beach bear beast beatles beatrice beautiful beckham
    beer beijing beispiel belgium bella ben bender benfica benjamin bentley benvenuto beograd
    berg berge berlin bern bernd berne bernhard berry besiktas best bestfriend better beyonce
    bianca bianco bibel bible bicycle bienvenido bienvenue bier big bigboss bigger biggest
    billion bird birthday bitch bitches bitcoin black blackjack blanc blau blessed blessing bleu
    blink blitz blockchain blue blueberry bluetooth blume blumen bmw bob bobby bobmarley bomb
    bomber bonjour boobs borussia bosna boss boston boxing brandon brasil bratwurst brazil bread
    brian brigitte britain britney broncos brooklyn brot brother brown bruder bruno brussels
    budapest buddha buddy buero bugatti bugsbunny bulbasaur bulls bullshit bumblebee bunny
    burger business buster butter butterfly bär büro cadillac cafe cake calcio california
    callofduty camaro canada candy cane cappuccino captain captainamerica career carlo carlos
    carmen carolina caroline carrot cartman casino castle cat cats catwoman cavallo cazzo celtic
    champagne champion champions changeit changeme changethis charizard charlie chat cheese
    cheetah chef chelsea cherry cheval chevrolet chevy chewbacca chicago chicken chien china
    chocolat chocolate chris christ christian christina christine christmas christopher church
    ciao cinderella cioccolato cisco citroen civic clara claudia claudio climbing cloud coach
    cobra cocacola cocktail coco coconut coffee coke college cologne company computer contrasena
    contraseña cookie cookies cool cooler coolio corazon corvette cougar counterstrike courage
    cow cowboy cowboys crazy creeper cricket croatia crocodile crown crypto crystal cuore
    cupcake cute cyber cyborg cycling dad daddy daffy daisy dallas damn dancer dancing danger
    dangerous daniel daniela danielle danny darling darthvader database dave david dead deadpool
    death debian debora december decembre default delfin delphin demo demon denise denmark
    dennis denver desert detroit deutschland developer devil dezember diablo diamant diamond
    diamonds diana dicembre dick diego dienstag diesel dieter digimon digital dimanche dino
    dinosaur disco disney disneyland dj djokovic dmitri docker doctor dodge dog doggy doktor
    dollar dolphin dolphins domain dominic dominik donald donaldduck donner donnerstag donut
    doom doraemon dortmund drache dragana dragon dragonball dragonfly dragons dream dreamer
    dreams drei dresden driver drummer drums ducati duck dumbledore dumbo dumm eagle eagles
    earth easter egypt eight einhorn eins eishockey elefant elena elephant elias elisabeth
    elizabeth elsa elvis email emerald emily eminem emma emre engel engine england ente
    enterprise erdbeere erde erfolg eric erich erik espana españa espresso estate ethereum
    etoile eule euro europa europe eva evening everton everyone everything example excalibur
    explosion extreme fabian fabio fahrrad faith falcon falke fall fallout famiglia familie
    famille family familyguy fast father fatma fcbasel fcz febbraio februar february federer
    felix fenerbahce ferien ferrari feuer fevrier fiat finance finland fiore fire firenze firma
    firmware first fisch fish fisher fishing fitness five flash fleur fleurs florian florida
    flower flowers fondue foot football ford forest forever formel formula fortnite fortune four
    fox france francesca francesco frank franken frankfurt franz freak freaky frederic freedom
    freiheit freitag fresh freund freunde freundin friday frieden friedrich friend friends frodo
    frog fromage frosch frozen fruehling frühling fuchs fuck fucker fuckit fuckme fuckoff
    fuckyou fuenf funny fussball futurama fußball fünf gabriel gabriela gabriele galatasaray
    galaxy game gameboy gamer games gandalf gangster garden garfield garlic garten gast gatto
    geburtstag geheim gelb geld geneva geneve genf gennaio georg george gerhard germany ghost
    giallo giant ginger giorgio giovanni giraffe gitarre giugno giulia gladiator glory glueck
    gluecklich glück glücklich goat god godisgood godislove goku gold golden golf golfer golfgti
    gollum good goofy google goose goran gorilla grace grape grau great greece green greenday
    griffin gruen gryffindor grün guest guitar gymnastics hacker hacking hai hallelujah hallo
    halloween halo hamburg hamburger hamilton hamster handball hanna hannah hannes hans hansolo
    happiness happy hardware harley harleydavidson harold harry harrypotter haschen hase haslo
    hassan hawaii hawk heart heaven heavymetal heidi heinz hell hello hellokitty helmut helvetia
    herbst hermione hero heroes hertha herz herzchen heslo hexe hiking himmel hiphop hippo hiver
    hobbit hobbits hockey hogwarts hola holiday holidays holland hollywood homer homersimpson
    honda honey honor hope horse hosting hot hotdog hotspot hottie houston hrvatska hsv huhn
    hulk hund hunde hundert hundred hungary hunter hunting hussein hyper ibrahim ichliebedich
    idiot igor ilove iloveu iloveyou india ines insel inter internet inverno invest iphone
    ireland ironmaiden ironman isabella isabelle islam island israel istanbul italia italien
    italy ivan jack jackpot jackson jacob jaeger jaguar jakob jamaica james jan januar january
    janvier japan jasmin jasmine jasper jaune jedi jeep jelena jelszo jennifer jenny jessica
    jessie jessy jesus jesuschrist jesuslovesme jetaime jeudi jklasdf job jogging johannes john
    johnny joker jonas jonathan jordan jose josef joseph joshua judo juillet juin juli julia
    julian julien juliette july june juni jupiter justice justinbieber juventus jäger kaese
    kaetzchen kaffee kaninchen karate karin karl kartoffel katharina kathrin katie katrin katze
    katzen kawasaki kelly kennwort kevin keyboard killer king kingdom kira kirche kiss kisses
    kissme kitten kitty kiwi klettern knight koala koeln koenig koenigin korea kosovo krishna
    kristall kubernetes kuchen kuh kungfu käse köln könig lachen ladybug laetitia lakers
    lamborghini lancia laptop large lasagne lasvegas laugh laura lauren lausanne lawyer lea
    leagueoflegends legend legends legolas lehrer leipzig lemon lena leo leon leonardo leopard
    letmein letmeinnow liberty liebe liebedich liebling lightning lila lilie lily lime lincoln
    linda linkinpark linux lion lioness lionking lisa lisboa lisbon little liverpool lizard
    lkjhgfdsa loco loewe login logon loki lola london lord losangeles losenord loser lotr
    lottery lotto louis louise love lovely loveme lover loveyou luca lucas luck lucky lucy
    lugano luglio luigi luis lukas luna lundi lune luzern lyon löwe madonna madrid maerz mafia
    maggie maggio magic magician mai mailbox mailserver mama maman mami mamma manager manchester
    mancity mango mannschaft manuel manuela manunited maradona marc march marco marcus mardi
    margaret maria marie marine marines mario mark marketing marko markus married mars marseille
    martha martin martina marvel mary marzo maserati master masterkey matrix matt matterhorn
    matthew matthias maus maverick max maxi may mazda meer mega mehmet melissa melon mercedes
    mercredi mercury merde merlin messi metal metallica mexico michael michaeljackson michel
    michelle mickey mickeymouse microsoft midnight mierda mike mikey milan milano milch military
    milk million millionaire mimi minecraft minka minnie missile mittwoch mnbvcxz mohamed
    mohammed molly mom mommy monamour mond monday money monica monika monitor monkey monster
    monsters montag moon mordor morning moscow moskau motdepasse mother motocross motor
    motorsport mountain mouse muenchen muffin muhammad mulan mumbai munich murat murder music
    musica musik musique muslim mustafa mustang mutter mylove mysql märz münchen nadal nadine
    naked nala nancy napoli naruto natale natalie natascha natasha nathalie navy neige nelson
    nemo neptune nero network neun neve new newyork newyorkcity neymar nice nichts nico nicola
    nicolas nicole niemand night nikola nikolaus nina nine ninja nintendo nirvana nissan nitro
    noah nobody noel noir nokia none noob norge norway notebook nothing november novembre
    nuclear null number numero nummer nutella obelix ocean october octobre octopus oesterreich
    office oktober olaf old olga oliver olivia olivier olympic one onedirection onetwothree
    onion opel open opensesame openup oracle orange orchid oscar oslo ostern ottobre overwatch
    owl pace packers pacman paix pancake panda panther papa papi paradise paris parola
    parolachiave parool parrot party pascal pass passcode passwd passwoerter password passwords
    passwort passworte pasta patricia patrick patriots paul paula pauline peace peach pearl
    pegasus pele penguin pepper pepsi perfect perle petar peter peterpan petra peugeot pferd
    philip philipp phillip phoenix piano picard pig pikachu pineapple pinguin pink pirat pirate
    pizza planet platinum player playing playstation pluto poiuytrewq pokemon poker poland
    polska pony pooh popeye porn porsche porto portugal postgres potato power powerful prag
    prague predator primavera prince princess princesse principessa printemps printer prinz
    prinzessin privat private programmer public puma pumpkin punk puppy purple pussy puta putain
    python qazwsx qazwsxedc quake queen quick qwe qweasd qweasdzxc qweqwe qwert qwerty qwertyui
    qwertyuiop qwertz rabbit racer rachel racing raclette rafael raiders rain rainbow rakete
    ralf rambo rammstein rangers rapid rapunzel rat raven realmadrid rebecca red redbull redsox
    regen regenbogen reggae renault rene rex rhino rich richard rick ricky rihanna rita ritter
    river robbie robert roberto roblox robot rocket rocknroll rockstar rocky roger roland
    rollsroyce roma romania rome ronaldo root rosa rose rosen rosso rot rouge roulette router
    royal ruby rudolf rugby runner running russia russland ryan saab sabine sabrina sadie
    sailormoon sakura salasana sales salut salzburg sam samantha samedi sammy sample samstag
    samsung samurai sandra sapphire sara sarah sasuke saturday saturn sauron sausage savior
    saviour schaf schalke schatz schatzi scheiss scheisse scheiße schlange schloss schlumpf
    schmetterling schnee schnitzel schoen schokolade school schule schumacher schwarz schwein
    schweiz schwester schwimmen schön scooby scoobydoo scorpion scotland scott sea seat seattle
    sebastian sechs second secret secreto secure security segreto senha september septembre
    serbia sergej sergio server servette service sesame settembre seven sevilla sex sexsex sexy
    sexygirl shadow shakira shark sheep sheriff shit shiva sicilia sieben sieger sifre signin
    silver silvia silvio simba simon simone simpsons singer sister six skate skateboard skater
    skifahren skiing skoda skyrim skywalker slipknot slow slytherin small smile smiling smokey
    smurf snake sniper snoopy snow snowboard soccer sofia software soldat soldi soldier sole
    soleil somebody someone something sommer sonic sonja sonne sonnenschein sonntag sophia
    sophie soul southpark spaghetti spain spanien sparta spartan speed speedy spider spiderman
    spieler spinne spirit spock spongebob spring sqlserver srbija star starcraft starlight stars
    startrek starwars steak steam steelers stefan stefanie stefano steffen stella stephanie
    stephen stern steve steven stgallen stockholm storage storm stormtrooper strand strawberry
    strength strong stronzo student studium stupid stuttgart subaru success suck sucker sugar
    suisse summer sun sunday sunny sunshine super superman supermario superuser support surfer
    surfing susan susanne sushi suzuki sven sverige svetlana svizzera sweden sweet sweetheart
    sweetie swimming swiss switzerland sydney system taco tamara tanja tanzen tatjana tausend
    taylorswift tea teacher team teamo techno teddybear temp temporaer temporary ten tennis
    tequila teresa terminator tesla test tester testing testpassword testuser tetris teufel
    texas theresa third thomas thor thousand three throne thunder thursday tiamo tiger tigger
    tim timothy tina tinkerbell tintin tiny titan tobias toby today together tokyo tom tomate
    tomato tommy tomorrow tony topsecret torino totoro tottenham toyota trading trance tree
    truck trucker truelove trustno trustnoone tuerkei tuesday tulip turbo turkey turtle tweety
    two türkei ubuntu ulrich ultimate ultra unicorn universe universitaet university unknown
    urlaub urs ursula usa user username uwe vacation vader valencia valentin valentina valerie
    vampir vampire vanessa vater vegeta velo vendredi venezia venus verde veronica verrueckt
    verrückt vert victor victoria victory vienna vier viking viktoria vin vincent vino violet
    viper vladimir vodka vogel voldemort volkswagen volleyball volvo wachtwoord wal wald waldi
    wales walter wandern warcraft warrior warriors warsaw wasd wasser water watermelon webmaster
    website wedding wednesday weekend weihnachten wein weiss weiß welcome welpe werder werewolf
    werner whale whatever whatsup whiskey whisky white wien wifi wii wild william willkommen
    willy wind windows wine winner winnie winniepooh winter winterthur wireless witch wizard
    wochenende wolf wolfgang wolverine wolves wonderwoman work worker worldofwarcraft wurst xbox
    xxx yamaha yankees yellow yesterday yoda young youngboys yusuf yxcvbnm zagreb zauber
    zauberer zebra zehn zelda zermatt zero zidane ziege zitrone zombie zoran zuerich zurich zwei
    zxc zxcvbn zxcvbnm zzz zürich österreich
    """

  /// Phrases, and words written together.
  static let phrases = """
    abcdefghijkl abracadabra abrakadabra acmilan administratorpassword adminpassword adminroot
    akunamatata albusdumbledore alhamdulillah allahuakbar allesgeheim allesgute
    allyourbasearebelongtous amorepersempre apfelstrudel applepie apritisesamo arribaespana
    arsenalfc asdfasdfasdf asdfghjklqwerty babygirlforever badpassword bananasplit bankpassword
    batmanandrobin batterystaple bayernmunich beerbeer behappy bestfriends bestfriendsforever
    bestpassword bigbangtheory bismillah bobdylan bonjourlemonde bonjourtoutlemonde bonneannee
    borussiadortmund breakingbad buonanotte buongiorno buonnatale butterflykisses cantremember
    carpediem cestlavie changemenow changemeplease changeonlogin changepassword
    changethispassword cheeseburger chelseafc chickennuggets chocolatechip chrisbrown
    christmastree ciaoamore ciaobella ciaomondo coffeecoffee coffeetime companypassword
    correctbatteryhorsestaple correcthorse correcthorsebatterystaple cottoncandy
    cristianoronaldo daddysgirl daddyslittlegirl daenerys daslebenistschoen daspasswort
    databaseadmin davidbowie defaultpassword deinpasswort demoaccount demouser
    desperatehousewives dolcevita domainadmin dontworry dontworrybehappy easypassword
    elementarymydearwatson emailpassword emptypassword erdbeerkuchen facebookpassword
    familyfirst familyforever fcbarcelona fcbarcelonaforever fcbayern fcbayernmuenchen fiftycent
    finalfantasy foreveralone foreverandever foreverlove forevertogether foreveryoung
    forgotmypassword forgotpassword forzainter forzaitalia forzajuve forzamilan forzanapoli
    froheostern froheweihnachten fussballweltmeister gameofthrones geburtstagskind
    godblessamerica godblessme godblessyou godfirst godisgreat godismyshepherd goodpassword
    googlepassword grandtheftauto grueezi gruezi grueziwohl guessmypassword guestaccount
    gummibaerchen gummibear gummibears gunsnroses gutenacht gutenmorgen gutentag gutesneuesjahr
    hakunamatata halleluja hallowelt happilyeverafter happybirthday happybirthdaytoyou
    happyeverafter happynewyear hardpassword harrypotterandthe hastalavista hastalavistababy
    hellohello hellomoto hellomynameis hellothere helloworld herzlichenglueckwunsch
    herzlichwillkommen hokuspokus hoppschwiiz hoppschwiz hopschwiiz houstonwehaveaproblem
    howareyou howimetyourmother iamawesome iambatman iamcool iamgod iamgroot iamhappy iamironman
    iamlegend iamsexy iamthebest iamtheking iamtheone iamthequeen iamyourfather icecream
    icecreamsandwich ichbincool ichbinderbeste ichbindiebeste ichhabedichlieb ichhassedich
    ichliebedichsehr ichliebemeinefamilie ichliebemeinenhund ichvermissedich idontcare idontknow
    idontlikepasswords idontremember iforgot iforgotmypassword ihatemyjob ihatemylife
    ihatepasswords ihateschool ihatethis ihatework ihateyou illbeback ilovechocolate
    ilovefootball ilovegod ilovejesus ilovemusic ilovemycat ilovemydad ilovemydog ilovemyfamily
    ilovemylife ilovemymom ilovemymum ilovemyself ilovemywife ilovenewyork iloveparis
    iloveyoubaby iloveyouforever iloveyoumom iloveyoumore iloveyousomuch iloveyoutoo
    iloveyouverymuch impossibleisnothing ingodwetrust inshallah intermilan internetpassword
    inthenameofgod istgeheim itisasecret itsasecret jellybeans jesusislord jesusismylord
    jesusismysavior jesusissavior jesuslovesyou jesussaves jetaimemonamour jetaimepourlavie
    jonsnow joyeuxnoel justdoit justintimberlake juventusturin kartoffelsalat keepcalm
    keepcalmandcarryon keineahnung keinpasswort keinplan ladolcevita ladygaga lamiapassword
    lassmichrein laviestbelle lavitaebella lebeistschoen ledzeppelin legendofzelda letmeinplease
    lilwayne lionelmessi littleangel littleprincess liveandletdie liveandletlive livelaughlove
    livelovelaugh liverpoolfc liveyourlife localadmin longlongpassword longpassword lordjesus
    lordoftherings loveforever loveisall loveisblind loveisintheair loveislove loveyoubaby
    loveyouforever loveyousomuch lukeskywalker macherie mailpassword manchestercity
    manchesterunited mashallah masterpassword maytheforce maytheforcebewithyou meinefamilie
    meinekatze meinengel meinhund meinkennwort meinleben meinpasswort meinpasswortist meinschatz
    merrychristmas michaelschumacher mnbvcxzlkjhg mommysboy moncheri monmotdepasse monpassword
    monpetitchat motdepasseoublie motdepassesecret myangel mybaby mycat mychildren mydaughter
    mydog myfamily myfather mykids mylife mylittlepony mymother mynewpassword myoldpassword
    mypassword mypasswordis mysecret mysecretpassword mysecretword myself myson networkadmin
    neuespasswort neverforget nevergiveup nevergiveupon neverland nevermind neversaynever
    newpassword nopassword nothingelsematters notmypassword officepassword oldpassword
    onceuponatime onetwothreefour onetwothreefourfive openthedoor openthegates ouvretoi
    passwordforme passwordpassword passwordreset passwordtest passwortaendern passwortgeheim
    passwortvergessen peanutbutter peanutbutterjelly pinkfloyd pizzapizza pleasechangeme
    pleasechangethis pleaseletmein praisegod praisethelord princessleia prisonbreak qazwsxedcrfv
    qweasdzxcrfv qwertyqwerty qwertyuiopasdf rainbowunicorn randompassword realmadridcf
    redhotchilipeppers regenbogenfarben rememberme remembermenow rogerfederer rollingstones
    ronweasley rootadmin rootpassword rootroot santaclaus schmetterlinge schokoladenkuchen
    schweizerkaese schweizerkreuz secretpassword securepassword serveradmin sesameouvretoi
    sesamoeffnedich severussnape sexandthecity simplepassword simsalabim snoopdogg sommerferien
    sommerzeit sonnenblume spidermanspiderman springtime stayhungry staystrong strangerthings
    strawberryfields strenggeheim streunggeheim strongpassword subhanallah summerholiday
    summerlove summertime summervacation sunshineandrainbows superadmin supergeheim
    supermariobros supersecret supersecretpassword superstrongpassword sysadmin systemadmin
    temporarypassword temppassword testaccount testtest testtesting testtesttest thankyougod
    thankyoujesus thebeatles theend theforceiswithyou thinkdifferent thinkpositive
    thisisapassword thisisasecret thisismynewpassword thisismypassword thisisnotapassword
    tiamoamoremio tiamopersempre tivogliobene tobeornottobe tobeornottobethatisthequestion
    topsecretpassword toutvabien troubador twoandahalfmen unicornsandrainbows userpassword
    usetheforce valarmorghulis verystrongpassword vivaespana vivaitalia vivalasuisse
    vivelafrance vivelasuisse walkingdead webadmin weihnachtsbaum weihnachtsmann welcomehome
    welcometohell welcometomylife welcometothejungle weltmeister whatsyourname whoami whoareyou
    wifipassword windowspassword winteriscoming winterwonderland winterzeit yeswecan
    youarebeautiful youaremylife youaremylove youaremysunshine youknownothing
    youllneverwalkalone yourpassword zaqwsx zaqxswcde
    """
}
