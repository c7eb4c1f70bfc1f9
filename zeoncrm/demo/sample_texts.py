"""The people, companies, goods and words of the sample data. All of it is made up."""

from __future__ import annotations

from dataclasses import dataclass

from zeoncrm.pipeline.people import Role


@dataclass(frozen=True)
class Person:
    """Somebody who works with the demo."""

    login: str
    name: str
    role: Role
    extension: str


PEOPLE = (
    Person("anna", "Anna Petrova", Role.REP, "101"),
    Person("boris", "Boris Orlov", Role.REP, "102"),
    Person("svetlana", "Svetlana Kim", Role.ADMIN, "103"),
)
PASSWORD = "demo-demo"  # noqa: S105 - everybody may read it: the demo listens on loopback alone

# Name and company; the number follows from the place in the list.
CONTACTS = (
    ("Иван Соколов", "Северный ветер"),
    ("Мария Лебедева", "Северный ветер"),
    ("Олег Журавлёв", "Тульский пряник"),
    ("Thomas Becker", "Becker & Sohn"),
    ("Екатерина Волкова", "Медцентр «Забота»"),
    ("Дмитрий Кузьмин", "Стройдом"),
    ("Наталья Белова", "Стройдом"),
    ("Laura Bianchi", "Caffè Torino"),
    ("Павел Громов", "Логистика Плюс"),
    ("Ольга Тихонова", "Логистика Плюс"),
    ("Sofia Lindqvist", "Nordic Textiles"),
    ("Артём Зайцев", "Школа «Интеграл»"),
    ("Анастасия Романова", "Школа «Интеграл»"),
    ("James Whitfield", "Whitfield Interiors"),
    ("Виктор Семёнов", "Автосалон «Маршрут»"),
    ("Юлия Макарова", "Гостиница «Волга»"),
    ("Роман Ершов", "Гостиница «Волга»"),
    ("Emily Carter", "Bright Dental"),
    ("Алексей Никитин", "Пекарня на углу"),
    ("Татьяна Осипова", "Бюро «План»"),
    ("Григорий Полевой", "Бюро «План»"),
    ("Daniel Novak", "Novak Software"),
    ("Petra Novak", "Novak Software"),
    ("Людмила Фролова", "Аптека «Ромашка»"),
    ("Сергей Давыдов", "Типография «Оттиск»"),
    ("Вера Крылова", "Типография «Оттиск»"),
    ("Марк Левин", "Левин и партнёры"),
    ("Hannah Schmidt", "GreenLeaf Garden"),
    ("Константин Рябов", "Фитнес «Пульс»"),
    ("Ирина Голубева", "Фитнес «Пульс»"),
    ("Pierre Dubois", "Maison Dubois"),
    ("Николай Сафонов", "Ферма «Луговая»"),
    ("Алина Ковалёва", "Студия «Свет»"),
    ("Андрей Мельник", "Речной порт"),
    ("Жанна Орехова", "Речной порт"),
    ("Maya Fischer", "Fischer Optics"),
    ("Егор Тарасов", "Коворкинг «Улей»"),
    ("Полина Власова", "Коворкинг «Улей»"),
    ("Oscar Nilsen", "Nilsen Marine"),
    ("Владимир Панин", "Кинотеатр «Экран»"),
    ("Галина Шубина", "Библиотека № 7"),
    ("Станислав Ким", "Вкусный дом"),
    ("Grace Morgan", "Morgan Architects"),
    ("Валерия Гусева", "Ателье «Силуэт»"),
    ("Михаил Субботин", None),
    ("Ксения Дорохова", None),
)

# What the carrier tells of callers whom nobody knows yet.
STRANGERS = (
    "Пётр Ильин",
    "Клиника «Аврора»",
    "Зоя Власенко",
    "Max Hoffmann",
    "ООО «Вектор»",
    "Лилия Нечаева",
    "Coffee Point",
    "Фёдор Ушаков",
    "Tessa Brown",
    "Детский сад № 12",
    "Руслан Абрамов",
    "Studio Nine",
    "Инна Коршунова",
    "Леонид Архипов",
)

# What is sold, in Russian and English, and its price in roubles.
GOODS = (
    ("Рабочие места на 12 человек", "Desks for 12 people", 480_000),
    ("Переговорная под ключ", "Meeting room, turnkey", 350_000),
    ("Стойка администратора", "Reception desk", 145_000),
    ("40 стульев", "40 chairs", 196_000),
    ("Мебель для кафе", "Café furniture", 620_000),
    ("Стеллажи для склада", "Warehouse shelving", 275_000),
    ("Шкафы для документов", "Filing cabinets", 88_000),
    ("Мебель в холл", "Lobby furniture", 410_000),
    ("Учебный класс", "Classroom furniture", 530_000),
    ("Кабинет директора", "Director's office", 690_000),
    ("Шумоизоляция зала", "Acoustic panels", 240_000),
    ("Обслуживание на год", "Maintenance for a year", 120_000),
    ("Переезд офиса", "Office move", 165_000),
    ("Жалюзи и шторы", "Blinds and curtains", 74_000),
)

NEXT_STEPS = (
    ("Отправить смету", "Send the estimate"),
    ("Позвонить и уточнить размеры", "Call and check the measurements"),
    ("Выезд на замер", "Visit to measure"),
    ("Согласовать договор", "Agree on the contract"),
    ("Напомнить про оплату", "Remind them of the payment"),
    ("Показать образцы тканей", "Show the fabric samples"),
    ("Уточнить дату доставки", "Confirm the delivery date"),
)

NOTES = (
    ("Просят скидку 5 % при оплате до конца месяца.", "They ask for 5 % off if paid by the end of the month."),
    ("Решение принимает директор, он вернётся в понедельник.", "The director decides; back on Monday."),
    ("Отправил каталог и прайс на почту.", "Sent the catalogue and the price list."),
    ("Важен срок: открытие через шесть недель.", "The date matters: they open in six weeks."),
    ("Сравнивают с двумя другими поставщиками.", "They compare us with two other suppliers."),
    ("Нужен счёт на другое юрлицо.", "The invoice goes to another legal entity."),
    ("Звонить после 14:00.", "Call after 2 pm."),
    ("Понравились образцы, просят такой же дуб.", "Liked the samples, want the same oak."),
    ("Лифт узкий, столешницы везти разборными.", "Narrow lift: table tops must come in parts."),
)

SOURCES = ("call", "website", "referral", "exhibition")


def said(russian: str, english: str, to: str) -> str:
    """The text in the language of the contact of this name."""
    return english if to.isascii() else russian
