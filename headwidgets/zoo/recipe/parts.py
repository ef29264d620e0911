"""What the merges are learned from: ends and halves of English words, and common words. Ours."""

from __future__ import annotations

from headwidgets.tasks.lists import words

ENDS = words("""
ing ed er ers est ly ness ment tion ation sion able ible ful less ous ious ive al ial ity ty
ance ence ant ent ist ism ize ised ship hood ward wise side man men time day room house work
""")
"""Ends of words."""

FRONT = words("""
sun moon rain snow foot door blue black butter dragon fire grass hedge bumble gold star water wind
wheel milk bee lamp story gate house book green farm light tree river fisher candle tooth paint
hair arm hand bird night thunder straw corn play ginger shop clock sky break after under over out
un re dis mis pre inter some any every
""")
"""Beginnings of compound words."""

BACK = words("""
flower light rise bow coat storm ball man flake bell bird berry fly cup hopper hog bee fish melon
fall mill barrow maid keeper lighter teller shop house bank place stick brush chair writing
watcher gale ground bread maker scraper
""")
"""Ends of compound words."""

COMMON = words("""
about above across almost alone along already although always among another answer around asked
attention became because become below beside better between beyond bring brought business call
came care carry catch certain change child children circuit class clear close cold company
complete computer consider copy corner country course cover cross current data deep develop
different difficult direct distance does done door doubt down dream drive during early earth east
easy edge effect effort either else empty end enough enter even evening event ever example except
expect experience explain eye face fact fail family far fast feel few field figure final fine
finger five floor follow food force foreign forest forget form forward free fresh front full
future general given glass going government great group grow guess half hands happen hard head
hear heart heavy held help high history hold hope hour however human hundred idea imagine
important include increase indeed inside instead interest island itself join just keep kept kind
knew know known language large later laugh law layer lead learn least leave left less level life
line list listen live local long lose love low machine main many market matter maybe mean measure
meet member mention message method middle might mind minute model moment money month moral most
mountain move much music must name nation nature nearly need network never news next nothing
notice number object often once only open order other others outside own page pain pair paper
parent part party pass past pattern people perhaps period picture piece plan plant point police
poor position possible power present pretty price prince private problem process produce program
promise prompt proper prove public pull purpose push question quick quiet quite radio reach ready
real reason receive record remain remember report require rest result return rich right rise road
rock rule same sample save says science score second section seem self sense sentence separate
serious serve service set several shall shape share short should show silence simple since single
sleep slow small smile social society something sometimes soon sorry sort sound south space speak
special speech spend spoke spring stand start state stay step still stone stop straight strange
street strong student study subject success such sudden summer support suppose sure surface system
taken talk taste teach teacher team tell test text thank themselves theory thing think third
though thought thousand through throw thus together tomorrow token tonight toward town trade train
transformer travel trouble true trust truth try turn twice type understand unit until upon used
useful using usual value various view village visit voice wait war warm watch weather week weight
well west whatever whether whole whose wide wife wild will win window winter wish within without
wonder wood word world worry worth would write wrong yard yesterday yet young
""")
"""Words that people write and the tasks do not use, or not all."""
