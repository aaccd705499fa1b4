"""Tiny files in the layouts of logs of films, games, music, news, books, videos and places."""

from __future__ import annotations

import gzip

from tests.support.layouts import Layout, as_json_lines, as_lines, as_python_gz

VIDEO = "user_id,video_id,play_duration,video_duration,time,date,timestamp,watch_ratio"
CAPTION = "video_id,manual_cover_text,caption,topic_tag,first_level_category_name"
MEDIA = {
    "MovieLens 1M": Layout(
        {
            "ml-1m/ratings.dat": as_lines("1::31::4::978300760", "1::12::5::978302109"),
            "ml-1m/movies.dat": as_lines(
                "12::Misérables, Les (1995)::Drama|Musical",
                "31::\"Great\" Day: The Return (1990)::Comedy",
                encoding="latin-1",
            ),
        },
        [("1", "31"), ("1", "12")],
        {"12": "Misérables, Les (1995)", "31": '"Great" Day: The Return (1990)'},
    ),
    "MovieLens 20M, 25M and 32M": Layout(
        {
            "ratings.csv": as_lines(
                "userId,movieId,rating,timestamp", "1,11,4.0,1147880044", "1,2,3.5,1147868817"
            ),
            "movies.csv": as_lines(
                "movieId,title,genres", "2,Jumanji (1995),A|B", '11,"President, The (1995)",C'
            ),
        },
        [("1", "2"), ("1", "11")],
        {"2": "Jumanji (1995)", "11": "President, The (1995)"},
    ),
    "Yelp": Layout(
        {
            "yelp_academic_dataset_review.json": as_json_lines(
                {"user_id": "u", "business_id": "-b2", "stars": 3.0, "date": "2018-07-07 22:09:11"},
                {"user_id": "u", "business_id": "b1", "stars": 5.0, "date": "2012-01-03 15:28:18"},
            ),
            "yelp_academic_dataset_business.json": as_json_lines(
                {"business_id": "b1", "name": "Bäckerei", "city": "X", "categories": "A, B"},
                {"business_id": "-b2", "name": "Bar", "city": "Y", "categories": None},
            ),
        },
        [("u", "b1"), ("u", "-b2")],
        {"b1": "Bäckerei", "-b2": "Bar"},
    ),
    "Steam": Layout(
        {
            "steam_reviews.json.gz": as_python_gz(
                {"username": "Ann's", "product_id": "328100", "date": "2018-01-02", "hours": 13.1},
                {"username": "Ann's", "product_id": "20", "date": "2017-12-24", "text": "a\nb"},
            ),
            "steam_games.json.gz": as_python_gz(
                {"id": "20", "app_name": "Team", "genres": ["Action"], "early_access": False},
                {"id": "328100", "app_name": "Tale's End", "genres": []},
            ),
        },
        [("Ann's", "20"), ("Ann's", "328100")],
        {"20": "Team", "328100": "Tale's End"},
    ),
    "MIND": Layout(
        {
            "MINDsmall_train/behaviors.tsv": as_lines(
                "1\tU1\t11/15/2019 8:55:22 AM\tN3 N1 N2\tN4-1 N5-0",
                "2\tU1\t11/15/2019 1:05:00 PM\tN3 N1 N2\tN6-0",
                "3\tU2\t11/11/2019 9:30:00 PM\t\tN4-1",
            ),
            "MINDsmall_train/news.tsv": as_lines(
                'N1\tnews\tworld\tThe "Cost" of it\tabstract\turl\t[]\t[]',
                'N2\tsports\tgolf\tGolf "\t\turl\t[{"Label": "x"}]\t[]',
            ),
        },
        [("U1", "N3"), ("U1", "N1"), ("U1", "N2")],
        {"N1": 'The "Cost" of it', "N2": 'Golf "'},
    ),
    "Last.fm 1K": Layout(
        {
            "userid-timestamp-artid-artname-traid-traname.tsv": as_lines(
                'user_1\t2009-05-04T23:08:57Z\tf1b1\tDeep "Dish\t\tBoy',
                "user_1\t2009-05-04T13:54:10Z\t\tUnderworld\tt2\tBoy",
            )
        },
        [("user_1", "Underworld"), ("user_1", 'Deep "Dish')],
        {},
    ),
    "Gowalla": Layout(
        {
            "loc-gowalla_totalCheckins.txt.gz": gzip.compress(
                as_lines(
                    "0\t2010-10-19T23:55:27Z\t30.2359091167\t-97.7951395833\t22847",
                    "0\t2010-10-18T22:17:43Z\t30.2691029532\t-97.7493953705\t420315",
                )
            )
        },
        [("0", "420315"), ("0", "22847")],
        {},
    ),
    "Goodreads": Layout(
        {
            "goodreads_interactions_poetry.json.gz": gzip.compress(
                as_json_lines(
                    {
                        "user_id": "8842281e", "book_id": "1384", "is_read": False, "rating": 0,
                        "date_added": "Wed May 09 09:33:44 -0700 2007",
                    },
                    {
                        "user_id": "8842281e", "book_id": "007", "is_read": True, "rating": 5,
                        "date_added": "Wed May 09 17:33:43 +0100 2007",
                    },
                )
            ),
            "goodreads_books_poetry.json.gz": gzip.compress(
                as_json_lines(
                    {"book_id": "1384", "title": "The Iliad", "publisher": "", "authors": [{}]},
                    {"book_id": "007", "title": "Poems", "publisher": "P"},
                )
            ),
        },
        [("8842281e", "007"), ("8842281e", "1384")],
        {"1384": "The Iliad", "007": "Poems"},
    ),
    "KuaiRec": Layout(
        {
            "big_matrix.csv": as_lines(
                VIDEO,
                "0,3649,13838,10867,2020-07-05 00:08:23.438,20200705,1593878903.438,1.27",
                "0,9598,13665,10984,2020-07-05 00:08:22.9,20200705,1593878902.9,1.24",
            ),
            "kuairec_caption_category.csv": as_lines(
                CAPTION, '3649,UNKNOWN,"three\nlines, of ""text""\n#x",[],A', "9598,U,日本,[],B"
            ),
        },
        [("0", "9598"), ("0", "3649")],
        {"3649": 'three\nlines, of "text"\n#x', "9598": "日本"},
    ),
}  # fmt: skip
