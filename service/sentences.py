"""Station 8, the words: chains and reasons into English and French sentences. All prose about impact is composed here.

Pure. It adds no number and no cause: what a sentence says is in the values it was given.
"""

import itertools
from collections.abc import Mapping, Sequence

from riskdb.model.impact import Chain, Event, EventKind, Impact, RankedNode
from riskdb.model.scenario import Mode
from service.names import Language, Names, names_of, percent

__all__ = [
    "Language",
    "Names",
    "chain_sentence",
    "count",
    "duration",
    "impact_sentence",
    "names_of",
    "percent",
    "reason_sentence",
]

LINKS_TOLD_MAX = 6  # of one chain; a sentence with more is not read


def duration(minutes: int, language: Language) -> str:
    """A length of time as people say it: 30 minutes, 2 hours, 4 h 30 min, 3 days."""
    hours, rest = divmod(minutes, 60)
    if hours == 0:
        return f"{rest} minute{'s' if rest > 1 else ''}"
    if rest:
        return f"{hours} h {rest:02d} min"
    if hours >= 48 and hours % 24 == 0:
        return f"{hours // 24} {'days' if language is Language.EN else 'jours'}"
    unit = "hour" if language is Language.EN else "heure"
    return f"{hours} {unit}{'s' if hours > 1 else ''}"


def count(patients: float, language: Language) -> str:
    """A number of people or records: whole from ten on, else with one decimal; a trace is not rounded to nobody."""
    if 0 < patients < 0.1:
        text = "< 0.1"
    else:
        text = f"{patients:,.0f}" if patients >= 10 or patients == int(patients) else f"{patients:.1f}"
    return text.translate(_FRENCH_FIGURES) if language is Language.FR else text


_FRENCH_FIGURES = str.maketrans({",": "\u202f", ".": ","})  # 12,345.6 is written 12 345,6


_VERBS: Mapping[Language, Mapping[EventKind, str]] = {
    Language.EN: {
        EventKind.TAKEN: "is taken over",
        EventKind.DOWN: "stops",
        EventKind.LYING: "gives false values",
        EventKind.LEAKING: "leaks records",
        EventKind.SHORT: "falls short",
    },
    Language.FR: {
        EventKind.TAKEN: "passe sous le contrôle de l’attaquant",
        EventKind.DOWN: "s’arrête",
        EventKind.LYING: "donne des valeurs fausses",
        EventKind.LEAKING: "divulgue des dossiers",
        EventKind.SHORT: "ne suffit plus",
    },
}  # of causes; a loss has its own clause


def chain_sentence(chain: Chain, names: Names) -> str:
    """How one loss comes about, cause first: `2 hours after Pump server P0 stops, Intensive care loses ...`."""
    step = names.steps.get((str(chain.pathway), str(chain.step)), str(chain.step))
    pathway = names.pathways.get(str(chain.pathway), str(chain.pathway))
    effect = _effect(chain, pathway=pathway, step=step, language=names.language)
    told = _told(chain, names)
    if not told:
        return f"{effect}."
    opening = _opening(*told[0], after_min=chain.starts_at_min - told[0][0].at_min, language=names.language)
    return f"{opening}, {effect}{_links(told, names.language)}."


Named = tuple[Event, str]


def _told(chain: Chain, names: Names) -> list[Named]:
    """The events worth a clause, cause first: the effect has its own, and a takeover adds nothing to what it brings."""
    causes_first = [
        (event, name)
        for place, (event, name) in enumerate(zip(chain.events, names.along(chain), strict=True))
        if event.kind not in (EventKind.LOST, EventKind.EXPOSED) and not (place == 1 and event.kind is EventKind.SHORT)
    ][::-1]
    following = [event for event, _ in causes_first[1:]]
    return [
        (event, name)
        for (event, name), after in zip(causes_first, [*following, None], strict=True)
        if not (
            event.kind is EventKind.TAKEN
            and after is not None
            and (after.subject, after.at_min) == (event.subject, event.at_min)
        )
    ]


def _opening(root: Event, name: str, *, after_min: int, language: Language) -> str:
    cause = f"{name} {_VERBS[language][root.kind]}"
    if language is Language.FR:
        if after_min > 0:
            return f"{cause} ; {duration(after_min, Language.FR)} plus tard"
        return f"Dès qu’{cause}" if cause[:1].lower() in "aeiouyéèêàâîôûh" else f"Dès que {cause}"
    return f"As soon as {cause}" if after_min <= 0 else f"{duration(after_min, Language.EN)} after {cause}"


def _effect(chain: Chain, *, pathway: str, step: str, language: Language) -> str:
    share = percent(chain.share, language)
    if language is Language.FR:
        if chain.kind is EventKind.EXPOSED:
            return (
                f"{pathway} traite jusqu’à {share} de ses patients sur la foi de valeurs fausses, à l’étape « {step} »"
            )
        return f"{pathway} perd jusqu’à {share} de sa capacité de prise en charge à l’étape « {step} »"
    if chain.kind is EventKind.EXPOSED:
        return f"{pathway} treats up to {share} of its patients on false values, at the step “{step}”"
    return f"{pathway} loses up to {share} of its care at the step “{step}”"


def _links(told: Sequence[Named], language: Language) -> str:
    """What stands between cause and effect; the time is told where it moves on."""
    pairs = list(itertools.pairwise(told))
    if len(pairs) > LINKS_TOLD_MAX:
        pairs = [*pairs[: LINKS_TOLD_MAX // 2], *pairs[-LINKS_TOLD_MAX // 2 :]]
    clauses = [_link(before, event, name, language) for (before, _), (event, name) in pairs]
    return f"{' : ' if language is Language.FR else ': '}{', '.join(clauses)}" if clauses else ""


def _link(before: Event, event: Event, name: str, language: Language) -> str:
    clause = f"{name} {_VERBS[language][event.kind]}"
    if event.at_min == before.at_min:
        return clause
    after = f"{'after' if language is Language.EN else 'après'} {duration(event.at_min, language)}"
    if before.kind is EventKind.LYING and event.kind is EventKind.DOWN and event.subject == before.subject:
        return f"{_FOUND_OUT[language]} {after}"
    if before.kind is EventKind.LYING and event.kind is EventKind.SHORT:
        return f"{_FOUND_OUT[language]} {after}, {clause}"
    return f"{clause} {after}"


_FOUND_OUT = {
    Language.EN: "it is found out and withdrawn",
    Language.FR: "la falsification est découverte et l’équipement retiré",
}


def reason_sentence(row: RankedNode, names: Names, *, horizon: str) -> str:
    """Why an asset has its rank: what its compromise does to whom, and the strongest chain."""
    name = names.introduced(str(row.id))
    pathways = [names.pathways.get(str(p), str(p)) for p in row.reason.pathways]
    french = names.language is Language.FR
    head = (_HEAD_FR if french else _HEAD_EN)[row.mode].format(name=name)
    affected, exposed = row.patients_affected.get(horizon, 0.0), row.patients_exposed.get(horizon, 0.0)
    harm = _harm(affected, exposed, names.language, horizon=horizon, pathways=len(pathways))
    where = _where(pathways, names.language)
    chains = f" {chain_sentence(row.reason.chains[0], names)}" if row.reason.chains else ""
    return f"{head}{where} {harm}{chains}"


def impact_sentence(node: str, mode: Mode, impact: Impact, *, names: Names, horizon: str) -> str:
    """What the compromise of one asset does, whether it is ranked or not."""
    name, french = names.introduced(node), names.language is Language.FR
    attacker = f"un attaquant qui compromet {name}" if french else f"an attacker who takes over {name}"
    opening = f"{_WITHIN[names.language][horizon]}, {attacker}"
    if mode is Mode.CONFIDENTIALITY:
        return f"{opening} {_reads(impact.records_exposed[horizon], names.language)}."
    worst = sorted(impact.pathways, key=lambda p: (-p.index[horizon], p.id))
    hit = [names.pathways.get(str(p.id), str(p.id)) for p in worst if p.index[horizon] > 0]
    if not hit:
        return f"{opening} {'ne touche aucun patient' if french else 'harms no patient'}."
    head = (_HEAD_FR if french else _HEAD_EN)[mode].format(name=name)
    affected = sum(p.patients_affected[horizon] for p in impact.pathways)
    exposed = sum(p.patients_exposed[horizon] for p in impact.pathways)
    harm = _harm(affected, exposed, names.language, horizon=horizon, pathways=len(hit))
    return f"{head}{_where(hit, names.language)} {harm}"


_HEAD_EN = {
    Mode.AVAILABILITY: "An attacker who takes over {name} and stops it interrupts care in",
    Mode.INTEGRITY: "An attacker who takes over {name} and falsifies its values endangers patients in",
}
_HEAD_FR = {
    Mode.AVAILABILITY: "Un attaquant qui compromet {name} et l’arrête interrompt les soins :",
    Mode.INTEGRITY: "Un attaquant qui compromet {name} et en falsifie les valeurs met des patients en danger :",
}
PATHWAYS_TOLD_MAX = 3


def _where(pathways: Sequence[str], language: Language) -> str:
    french = language is Language.FR
    told, more = list(pathways[:PATHWAYS_TOLD_MAX]), len(pathways) - PATHWAYS_TOLD_MAX
    if more > 0:
        plural = "s" if more > 1 else ""
        told.append(f"{more} autre{plural} parcours" if french else f"{more} more pathway{plural}")
    *first, last = told
    return f" {', '.join(first)} {'et' if french else 'and'} {last}." if first else f" {last}."


def _reads(records: int, language: Language) -> str:
    """How many personal records somebody gets at."""
    if language is Language.FR:
        if not records:
            return "n’accède à aucun dossier"
        return f"accède à {count(records, language)} dossier{'s' if records > 1 else ''}"
    if not records:
        return "gets at no record"
    return f"gets at {count(records, language)} record{'s' if records > 1 else ''}"


def _harm(affected: float, exposed: float, language: Language, *, horizon: str, pathways: int) -> str:
    """How many patients; who is on two pathways is counted on both, and the sentence says so."""
    within = _WITHIN[language][horizon]
    if language is Language.FR:
        parts = [_patients_fr(affected, "privé", "de soins")] if affected else []
        parts += [_patients_fr(exposed, "exposé", "à des valeurs fausses")] if exposed else []
        counted = " (chaque parcours compte les siens)" if parts and pathways > 1 else ""
        return f"{within} : {' et '.join(parts) or 'aucun patient touché'}{counted}."
    parts = [f"{_patients_en(affected)} without care"] if affected else []
    parts += [f"{_patients_en(exposed)} treated on false values"] if exposed else []
    counted = " (each pathway counts its own)" if parts and pathways > 1 else ""
    return f"{within}: {' and '.join(parts) or 'no patient affected'}{counted}."


def _patients_en(patients: float) -> str:
    told = count(patients, Language.EN)
    return f"{told} patient{'' if told == '1' else 's'}"


def _patients_fr(patients: float, participle: str, of_what: str) -> str:
    """The plural begins at two: 1,5 patient privé, 2 patients privés."""
    plural = "s" if round(patients, 1) >= 2 else ""
    return f"{count(patients, Language.FR)} patient{plural} {participle}{plural} {of_what}"


_WITHIN: Mapping[Language, Mapping[str, str]] = {
    Language.EN: {
        "1h": "Within an hour", "4h": "Within 4 hours", "24h": "Within a day",
        "72h": "Within 3 days", "7d": "Within 7 days", "30d": "Within 30 days",
    },
    Language.FR: {
        "1h": "En une heure", "4h": "En 4 heures", "24h": "En un jour",
        "72h": "En 3 jours", "7d": "En 7 jours", "30d": "En 30 jours",
    },
}  # fmt: skip
