# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Dumps as MySQL and MariaDB write them, restored into a MariaDB server of a drill's own."""

from __future__ import annotations

import contextlib
import os
import time
import typing as t
from pathlib import Path

import pytest
from ansible_collections.community.scalingo.plugins.module_utils import _drill_mariadb, _programs
from ansible_collections.community.scalingo.plugins.module_utils._drill_mariadb import Server
from ansible_collections.community.scalingo.plugins.module_utils._drill_place import Place
from ansible_collections.community.scalingo.plugins.module_utils._errors import DrillFailed, sentence
from support.drills import OPTIONS, killed, processes_of, unpacked
from support.programs import packed
from support.real import short_directory

#: As mysqldump 8 writes one, of a server with GTIDs.
MYSQL = r"""-- MySQL dump 10.13  Distrib 8.0.36, for Linux (x86_64)
--
-- Host: localhost    Database: shop_1002
-- ------------------------------------------------------
-- Server version	8.0.36

/*!40101 SET @OLD_CHARACTER_SET_CLIENT=@@CHARACTER_SET_CLIENT */;
/*!50503 SET NAMES utf8mb4 */;
/*!40103 SET @OLD_TIME_ZONE=@@TIME_ZONE */;
/*!40103 SET TIME_ZONE='+00:00' */;
/*!40014 SET @OLD_FOREIGN_KEY_CHECKS=@@FOREIGN_KEY_CHECKS, FOREIGN_KEY_CHECKS=0 */;
/*!40101 SET @OLD_SQL_MODE=@@SQL_MODE, SQL_MODE='NO_AUTO_VALUE_ON_ZERO' */;
SET @MYSQLDUMP_TEMP_LOG_BIN = @@SESSION.SQL_LOG_BIN;
SET @@SESSION.SQL_LOG_BIN= 0;

--
-- GTID state at the beginning of the backup
--

SET @@GLOBAL.GTID_PURGED=/*!80000 '+'*/ '11111111-1111-1111-1111-111111111111:1-5,
22222222-2222-2222-2222-222222222222:1-7';

DROP TABLE IF EXISTS `accounts`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!50503 SET character_set_client = utf8mb4 */;
CREATE TABLE `accounts` (
  `id` int NOT NULL AUTO_INCREMENT,
  `name` varchar(50) COLLATE utf8mb4_0900_as_cs DEFAULT NULL,
  `made` timestamp NULL DEFAULT NULL,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB AUTO_INCREMENT=4 DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci;
/*!40101 SET character_set_client = @saved_cs_client */;
LOCK TABLES `accounts` WRITE;
/*!40000 ALTER TABLE `accounts` DISABLE KEYS */;
INSERT INTO `accounts` VALUES (1,'two\nlines, \"quoted\" <b>&amp;','2026-12-01 00:00:00'),(2,'',NULL),(3,NULL,NULL),(4,'DEFINER=`a`@`b`',NULL);
/*!40000 ALTER TABLE `accounts` ENABLE KEYS */;
UNLOCK TABLES;
/*!50003 SET @saved_col_connection = @@collation_connection */ ;
/*!50003 SET collation_connection  = utf8mb4_0900_ai_ci */ ;
DELIMITER ;;
/*!50003 CREATE*/ /*!50017 DEFINER=`root`@`localhost`*/ /*!50003 TRIGGER `upper` BEFORE INSERT ON `accounts` FOR EACH ROW SET NEW.name = UPPER(NEW.name) */;;
CREATE DEFINER=`shop_1002`@`%%` FUNCTION `twice`(n INT) RETURNS int
    NO SQL
RETURN 2 * n ;;
/*!50106 CREATE*/ /*!50117 DEFINER=`root`@`localhost`*/ /*!50106 EVENT `empty` ON SCHEDULE EVERY 1 SECOND DO DELETE FROM accounts */ ;;
DELIMITER ;
/*!50001 CREATE ALGORITHM=UNDEFINED */
/*!50013 DEFINER=`root`@`localhost` SQL SECURITY DEFINER */
/*!50001 VIEW `known` AS select count(0) AS `number`, current_user() AS `who` from `accounts` */;
SET @@SESSION.SQL_LOG_BIN = @MYSQLDUMP_TEMP_LOG_BIN;
%s
-- Dump completed on 2026-12-01  0:00:00
"""
#: Another logical database, as mysqldump 8 writes it.
STOCK = b"""/*!999999\\- enable the sandbox mode */
CREATE DATABASE /*!32312 IF NOT EXISTS*/ `stock_1` /*!40100 DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_ai_ci */ /*!80016 DEFAULT ENCRYPTION='N' */;
USE `stock_1`;
CREATE TABLE `lines` (`name` varchar(20) NOT NULL, KEY `k` (`name`) /*!80000 INVISIBLE */);
INSERT INTO `lines` VALUES ('USE `mysql`;');
"""
#: What a dump may not do: each of these is refused, or is no command.
HOSTILE = """
CREATE TABLE `after` (`name` varchar(3), UNIQUE (`name`));
\\! touch {touched}
system touch {touched};
INSERT INTO `after` VALUES ('a'),('a');
SELECT 'row' INTO OUTFILE '{touched}';
INSERT INTO mysql.global_priv VALUES ('%', 'intruder', '{{}}');
SET GLOBAL event_scheduler = ON;
CREATE TABLE `far` (`a` int) ENGINE=FEDERATED CONNECTION='mysql://u:p@127.0.0.1/x/y';
INSERT INTO `after` VALUES ('z');
"""


@pytest.fixture
def programs(mariadb_programs: str) -> str:
    return mariadb_programs


@pytest.fixture
def work_dir() -> t.Iterator[Path]:
    with short_directory() as path:
        yield path
        assert os.listdir(path) == [] and processes_of(path) == []


@contextlib.contextmanager
def drill(work_dir: Path, programs: str, sql: str | bytes, **options: t.Any) -> t.Iterator[tuple[Place, Server]]:
    server = Server(8, {**OPTIONS, "programs": programs, **options})
    with Place.made(str(work_dir), "shop") as place:
        unpacked(place, packed({"shop.sql": sql if isinstance(sql, bytes) else sql.encode()}), "mysql")
        yield place, server


def refusal(server: Server, sql: str, **how: t.Any) -> str:
    with pytest.raises(DrillFailed) as raised:
        server.query(sql, **{"timeout": 60, **how})
    return sentence(raised.value)


def test_a_dump_of_mysql_and_one_of_mariadb(work_dir: Path, programs: str, tmp_path: Path) -> None:
    touched = tmp_path / "touched"
    content = MYSQL % HOSTILE.format(touched=touched)
    with drill(work_dir, programs, content) as (place, server):
        server.start(place, (), "shop_1002")
        assert (server.kind, server.version[:3], server.dumped["dumped_from"], server.dumped["dumped_by"]) == (
            "throw-away",
            "10.",
            "8.0.36",
            "8.0.36",
        )
        problems, left_out = server.restore()
        assert left_out == {"DEFINER": 4, "COLLATION": 3}
        said = "\n".join(problems)
        for word in ("Access denied", "syntax", "Duplicate entry '…'"):
            assert word in said, said
        assert "'a'" not in said and not touched.exists()
        query = lambda sql, **how: server.query(sql, **{"timeout": 60, **how})  # noqa: E731
        assert query("SELECT id, name, made FROM accounts ORDER BY id") == [
            ["1", 'two\nlines, "quoted" <b>&amp;', "2026-12-01 00:00:00"],
            ["2", "", None],
            ["3", None, None],
            ["4", "DEFINER=`a`@`b`", None],
        ], "the event did not run, and rows are as they were"
        assert query("SELECT * FROM known") == [["4", "drill@localhost"]]
        assert query("SELECT DATABASE(), @@time_zone, twice(4), 'a;b' # all;\n;") == [["drill", "+00:00", "8", "a;b"]]
        assert query(
            "SELECT count(*) FROM information_schema.tables WHERE table_schema = DATABASE()", catalog=True
        ) == [["4"]]
        assert query("SELECT * FROM after") == [["z"]]
        assert query("SELECT 1 FROM mysql.user WHERE User = 'intruder'", catalog=True) == []

        assert "READ ONLY" in refusal(server, "DELETE FROM accounts", catalog=True)
        for sql in (
            "DELETE FROM accounts",
            "DROP TABLE accounts",
            "SELECT 1 INTO OUTFILE '/tmp/x'",
            "SELECT * FROM mysql.user",
        ):
            assert "denied" in refusal(server, sql)
        assert query("SELECT LOAD_FILE('/etc/passwd')") == [[None]]
        assert "more than one statement" in refusal(server, "SELECT 1; SELECT 2")
        assert "client program" in refusal(server, f"\\! touch {touched}")
        for sql in (f"system touch {touched}", f"source {touched}", "delimiter //\nSELECT 1"):
            assert "syntax" in refusal(server, sql)
        assert "max_statement_time" in refusal(server, "SELECT SLEEP(10)", timeout=0.3)
        told = refusal(server, "SELECT name FROM nowhere", secret=True)
        assert told == "the server refused the query (a table does not exist, SQLSTATE 42S02)."
        assert not touched.exists() and not [path for path in Path(place.path).rglob("*") if path.name == "touched"]
        assert Path(place.path).stat().st_mode & 0o077 == 0
        dumped = place.run(
            [
                f"{programs}/mariadb-dump",
                "--no-defaults",
                f"--socket={place.path}/socket",
                "-uroot",
                "--routines",
                "--triggers",
                "--databases",
                "drill",
            ],
            {},
        )
        assert dumped.returncode == 0, dumped.stderr
        place.erase()
        assert processes_of(work_dir) == []

    with drill(
        work_dir,
        programs,
        dumped.stdout.replace("`drill`", "`shop_10``02`").encode() + STOCK,
        server_settings={"max-connections": 17, "skip_networking": "OFF"},
    ) as (place, server):
        server.start(place, (), "shop_1002")
        problems, left_out = server.restore()
        assert problems == [] and str(server.dumped["dumped_from"]).startswith("10.")
        assert server.query("SELECT DATABASE(), COUNT(*), @@max_connections FROM accounts", timeout=60) == [
            ["shop_10`02", "4", "17"]
        ]
        assert server.query("SELECT number, @@skip_networking FROM known", timeout=60) == [["4", "1"]]
        assert server.query("SELECT name FROM accounts WHERE id = 4", timeout=60) == [["DEFINER=`a`@`b`"]]
        assert server.databases == ["shop_10`02", "stock_1"]
        assert server.query("SELECT * FROM stock_1.lines", timeout=60) == [["USE `mysql`;"]]


def test_what_makes_a_drill_of_mysql_fail(work_dir: Path, programs: str, tmp_path: Path) -> None:
    with pytest.raises(DrillFailed, match="the server did not start: .*nowhere"):
        with drill(work_dir, programs, MYSQL % "", server_settings={"nowhere": "1"}) as (place, server):
            server.start(place, (), "shop_1002")
    assert os.listdir(work_dir) == []
    for options, said in (
        ({"programs": str(tmp_path)}, "there is no MariaDB with mariadbd and mariadb-install-db in"),
        ({"programs": programs, "client_programs": str(tmp_path)}, "there is no MariaDB with mariadb in"),
    ):
        with pytest.raises(DrillFailed, match=said):
            Server(8, {**OPTIONS, **options})


@pytest.mark.parametrize(
    "code, errors, problems",
    [
        (0, "", []),
        (-9, "", ["mariadb was killed by SIGKILL before the restoration was complete"]),
        (1, "", ["mariadb ended with exit status 1 before the restoration was complete"]),
        (0, "ERROR 1146 (42S02) at line 7: Table 'a.b' doesn't exist\n", ["line 7 of the dump: Table 'a.b' doesn't exist (error 1146, SQLSTATE 42S02)"]),
        (1, "ERROR 1064 (42000) at line 7: You have an error; near 'INSERT a@b.example' at line 1\n",
         ["line 7 of the dump: You have an error; near '…' at line 1 (error 1064, SQLSTATE 42000)"]),
        (0, "ERROR: ASCII '\\0' appeared in the statement\n", ["the client reported errors that could not be read"]),
        (1, "ERROR 2013 (HY000) at line 3: Lost connection to server during query\n",
         ["line 3 of the dump: Lost connection to server during query (error 2013, SQLSTATE HY000)"]),
    ],
)  # fmt: skip
def test_what_the_client_complains_of(code: int, errors: str, problems: list[str]) -> None:
    assert _drill_mariadb.complaints(_programs.Done("mariadb", code, "", errors)) == problems


def test_nothing_outlives_a_killed_drill_of_mysql(work_dir: Path, programs: str) -> None:
    content = MYSQL % "SELECT SLEEP(100);"

    def run() -> None:
        with drill(work_dir, programs, content) as (place, server):
            server.start(place, (), "shop_1002")
            server.restore()

    started: list[float] = []

    def restoring() -> bool:
        if not started and any(
            "/mariadb --no-defaults" in each and "--force" in each for each in processes_of(work_dir)
        ):
            started.append(time.monotonic())
        return bool(started) and time.monotonic() - started[0] > 1

    killed(work_dir, run, restoring)
    (left,) = work_dir.iterdir()
    assert (left / "data").is_dir()
    with Place.made(str(work_dir), "shop") as place:
        assert place.swept == [str(left)] and not left.exists()
