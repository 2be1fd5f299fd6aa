import type { Words } from './words.ts';

export const DE: Words = {
  title: 'Was darf Ihr Zwilling verwenden?',
  intro: (controller) =>
    `${controller} bittet Sie um Ihre Einwilligung. Sie entscheiden für jede Art von Daten und jeden Zweck einzeln und können Ihre Meinung hier jederzeit ändern.`,
  nothingChosen: 'Es ist nichts für Sie vorausgewählt. Was Sie ausgeschaltet lassen, wird nicht verwendet.',
  optOut:
    'Was ohne Ihr Ja eingeschaltet ist, wird verwendet, weil das Recht hier es erlaubt, bis Sie widersprechen. Ausschalten ist Ihr Widerspruch; alles andere ist aus, bis Sie es einschalten.',
  notice: {
    rest: 'Der übrige Hinweis',
    version: (version) => `Hinweis, Fassung ${version}`,
    read: 'Vollständigen Hinweis lesen',
  },
  loading: 'Ihr Zwilling sieht nach, wonach er gefragt wird …',
  offline:
    'Sie sind offline. Was Sie wählen, gilt auf diesem Gerät sofort; das öffentliche Protokoll erfährt es, sobald Sie wieder verbunden sind.',
  purpose: (name) => `Zweck: ${name}`,
  purposes: {
    servicePersonalisation: 'Den Dienst auf Sie abstimmen',
    personalisedRecommendations: 'Empfehlungen für Sie',
    productRecommendations: 'Produkte empfehlen',
    personalisedAdvertising: 'Personalisierte Werbung',
    targetedAdvertising: 'Zielgerichtete Werbung',
    directMarketing: 'Direktwerbung',
    fraudPrevention: 'Betrug erkennen und verhindern',
    solvencyMonitoring: 'Ihre Zahlungsfähigkeit einschätzen',
    usageAnalytics: 'Verstehen, wie der Dienst genutzt wird',
    productImprovement: 'Produkte und Dienste verbessern',
    serviceOptimisation: 'Den Dienst besser machen',
    research: 'Forschung und Entwicklung',
    customerRelationship: 'Sie als Kundin oder Kunden betreuen',
    legalCompliance: 'Gesetzliche Pflichten erfüllen',
    rightsFulfilment: 'Ihre Rechte erfüllen',
  },
  categories: {
    transactional: {
      name: 'Zahlungen und Verträge',
      what: 'was Sie kaufen und zahlen, wann, und nach welchem Vertrag',
    },
    behavioral: { name: 'Wie Sie den Dienst nutzen', what: 'was Sie öffnen und tun, und wie oft' },
    interaction: { name: 'Kontakte mit uns', what: 'wann Sie um Hilfe bitten, und ob sie geholfen hat' },
    contextual: { name: 'Gerät und Ort', what: 'die Art Ihres Geräts, und ungefähr, wo es ist' },
    third_party_enrichment: { name: 'Daten von anderen', what: 'was andere Firmen über Sie mitteilen' },
    feedback: { name: 'Ihre Meinungen', what: 'Ihre Bewertungen und Antworten auf Umfragen' },
    psychographic: {
      name: 'Persönlichkeit und Interessen',
      what: 'was Ihnen wichtig ist, und was sich daraus schließen lässt',
    },
  },
  needed: 'nötig',
  chooseAll: (rows) => `Alle ${rows} auswählen`,
  details: 'Was das erlaubt',
  groups: {
    device: {
      name: 'Auf diesem Gerät behalten und daraus lernen',
      what: () =>
        'Ihr Zwilling bewahrt diese Daten verschlüsselt auf diesem Gerät auf, stellt damit Vermutungen an und lernt daraus. Sie verlassen das Gerät nicht. Die anderen Verwendungen setzen diese voraus.',
    },
    sum: {
      name: 'Zur verschlüsselten Summe beitragen',
      what: () =>
        'Ihr Zwilling steuert einen maskierten Anteil zu einer Summe über viele Menschen bei, aus der ein gemeinsames Modell lernt. Öffnen lässt sich nur die Summe, nie Ihr Anteil.',
    },
    app: {
      name: 'Vorhersagen in dieser App nutzen',
      what: (controller) =>
        `${controller} darf nach dem handeln, was Ihr Zwilling über Sie vermutet, zum Beispiel mit einem Angebot.`,
    },
    decide_significant: {
      name: 'Wichtiges danach entscheiden',
      what: (controller) =>
        `${controller} darf eine Vermutung über etwas entscheiden lassen, das für Sie wichtig ist.`,
    },
    share: { name: 'Weitergeben', what: () => 'Diese Daten dürfen an andere Firmen weitergegeben werden.' },
    sell: { name: 'Verkaufen', what: () => 'Diese Daten dürfen verkauft werden.' },
    activate_third_party: {
      name: 'Anderswo danach handeln',
      what: () => 'Andere Firmen dürfen nach dem handeln, was Ihr Zwilling über Sie vermutet.',
    },
    synthesise: {
      name: 'Künstliche Daten daraus machen',
      what: () => 'Nach Summen, die Ihren Anteil enthalten, dürfen künstliche Personen modelliert werden.',
    },
  },
  status: {
    chosen: 'Ausgewählt, noch nicht erlaubt',
    inPart: 'Teilweise erlaubt; siehe Einzelheiten',
    waiting: 'wartet auf den Eintrag im öffentlichen Protokoll',
    of: {
      unknown: 'Nicht beantwortet: wird nicht verwendet',
      requested: 'Gefragt: Ihre Antwort steht aus, wird nicht verwendet',
      deferred: 'Aufgeschoben: wird nicht verwendet, bis Sie entscheiden',
      given: 'Erlaubt',
      renewed: 'Erlaubt, erneuert',
      allowed: 'Wird verwendet, da Sie nicht widersprochen haben',
      noticed: 'Angekündigt: wird nach der Wartezeit verwendet, wenn Sie nicht widersprechen',
      refused: 'Abgelehnt: wird nicht verwendet',
      withdrawn: 'Widerrufen: wird nicht mehr verwendet',
      objected: 'Sie haben widersprochen: wird nicht verwendet',
      denied_by_signal: 'Das Privatsphäre-Signal Ihres Browsers sagt Nein: wird nicht verwendet',
      restricted: 'Eingeschränkt: wird aufbewahrt, aber nicht verwendet',
      pending_guardian: 'Eltern oder Vormund müssen zustimmen: wird bis dahin nicht verwendet',
      revoked: 'Vom Verantwortlichen beendet: wird nicht mehr verwendet',
      invalidated: 'Für ungültig erklärt: wird nicht verwendet',
      stale_notice: 'Der Hinweis hat sich geändert: wird nicht verwendet, bis Sie neu zustimmen',
      expired: 'Abgelaufen: wird nicht mehr verwendet',
      superseded: 'Durch eine neuere Antwort ersetzt: wird nicht verwendet',
    },
    other: (status) => `Wird nicht verwendet (${status})`,
    until: (date) => `bis ${date}`,
    minCohort: (participants) => `nur in Summen über mindestens ${participants} Teilnehmende`,
    maxEpsilon: (epsilon) => `nur bis zu einem Privatsphäre-Verlust von ε = ${epsilon}`,
  },
  special: {
    badge: 'sensibel',
    confirm: (controller, category) =>
      `Ich willige ausdrücklich ein, dass ${controller} „${category}“ für das hier Ausgewählte verwendet, obwohl es Sensibles über mich verraten kann.`,
    missing:
      'Diese Art von Daten ist sensibel: Bitte bestätigen Sie sie auch hier, oder schalten Sie sie aus.',
  },
  actions: {
    refuseAll: 'Alles ablehnen',
    refuseRest: 'Übriges ablehnen',
    accept: 'Auswahl erlauben',
    withdrawAll: 'Alles widerrufen',
    withdrawEffect:
      'Ein Widerruf gilt sofort: Auf diesem Gerät wird gelöscht, was seinetwegen aufbewahrt wurde, und keine spätere Summe enthält Ihren Anteil. Summen, die vorher geöffnet wurden, bleiben, wie sie sind.',
  },
  said: {
    chooseFirst: 'Es ist noch nichts ausgewählt. Schalten Sie ein, was Sie erlauben möchten.',
    accepted: (categories) => `Erlaubt: ${categories}.`,
    refused: (categories) => `Abgelehnt: ${categories}.`,
    withdrawn: (categories) => `Widerrufen: ${categories}.`,
    unchanged: 'Es hat sich nichts geändert.',
    exported: (file) => `Gespeichert: ${file}.`,
    downloaded: (file) => `Gespeichert: ${file}.`,
    erased: 'Ihr Zwilling ist gelöscht.',
    erasing: 'Wird gelöscht …',
  },
  conditions: {
    title: 'Ihre Bedingungen (freiwillig)',
    what: 'Sie gelten für Summen, zu denen Ihr Zwilling beiträgt, mit dem, was Sie von jetzt an erlauben. Eine Runde, die sie nicht erfüllt, lässt er aus.',
    minCohort: 'Kleinste Zahl der Teilnehmenden',
    maxEpsilon: 'Größter Privatsphäre-Verlust (ε)',
    epsilonHint: 'Kleiner heißt privater; für viele Zwecke sind Werte von 1 bis 10 üblich.',
    wrongCohort: 'Bitte geben Sie eine ganze Zahl ab 2 ein, oder lassen Sie das Feld leer.',
    wrongEpsilon: 'Bitte geben Sie eine Zahl über 0 und höchstens 1000 ein, oder lassen Sie das Feld leer.',
    apply: 'Auf Erlaubtes anwenden',
    none: 'Keine Bedingung',
  },
  receipts: {
    title: (receipts) => `Belege (${receipts})`,
    none: 'Es gibt noch keine: Es wurde noch nichts unterschrieben.',
    events: {
      request: 'Gefragt',
      defer: 'Aufgeschoben',
      grant: 'Erlaubt',
      renew: 'Erneuert',
      refuse: 'Abgelehnt',
      withdraw: 'Widerrufen',
      object: 'Widersprochen',
      signal: 'Privatsphäre-Signal',
      restrict: 'Eingeschränkt',
      unrestrict: 'Einschränkung aufgehoben',
      revoke: 'Vom Verantwortlichen beendet',
      invalidate: 'Für ungültig erklärt',
      notify: 'Hinweis erteilt',
      notice_bump: 'Hinweis geändert',
      minor_detected: 'Als minderjährig erkannt',
      age_of_majority: 'Volljährig geworden',
      supersede: 'Eintrag ersetzt',
      delegate: 'Jemand darf für Sie handeln',
      undelegate: 'Niemand handelt mehr für Sie',
      key_rotate: 'Neuer Geräteschlüssel',
      recover: 'Zugang wiederhergestellt',
    },
    otherEvent: 'Geändert',
    entry: (index) => `Eintrag ${index} im öffentlichen Protokoll`,
    waiting: 'wartet auf das öffentliche Protokoll',
    download: 'Herunterladen',
    downloadOf: (what, when) => `Beleg herunterladen: ${what}, ${when}`,
  },
  own: {
    title: 'Ihre Daten',
    what: 'Nehmen Sie alles mit, oder beenden Sie es. Beides geht, was immer Sie erlaubt haben.',
    export: 'Alles exportieren',
    erase: 'Zwilling löschen',
    askTitle: 'Ihren Zwilling löschen?',
    ask: 'Alles, was Sie erlaubt haben, wird widerrufen, das öffentliche Protokoll erfährt davon, und alles, was Ihr Zwilling auf diesem Gerät aufbewahrt, wird vernichtet. Summen, die Ihren Anteil schon enthalten, und Modelle daraus bleiben: Niemand kann einen Anteil wieder aus einer Summe herausnehmen.',
    yes: 'Löschen',
    no: 'Behalten',
    erasedTitle: 'Ihr Zwilling ist gelöscht',
    erased: 'Auf diesem Gerät ist nichts mehr von ihm übrig.',
    erasedDataTitle: 'Die Daten Ihres Zwillings sind gelöscht',
    erasedData:
      'Ihre Daten sind von diesem Gerät verschwunden. Der Widerruf muss noch zugestellt werden; sobald das gelungen ist, folgt der Rest von selbst.',
  },
  failed: 'Das hat nicht geklappt.',
  reasons: {
    closed: 'Der Zwilling wurde auf dieser Seite geschlossen.',
    erased: 'Der Zwilling wurde gelöscht.',
    'no-storage':
      'Dieser Browser bewahrt für diese Seite nichts auf, zum Beispiel in einem privaten Fenster; der Zwilling kann hier nicht leben.',
    'storage-full': 'Der Browser hat keinen Platz mehr; Neues kann nicht aufbewahrt werden.',
    'storage-corrupt':
      'Was der Browser vom Zwilling aufbewahrt hat, ist beschädigt und nicht lesbar; wenn Sie den Zwilling löschen, wird es entfernt.',
    'storage-lost':
      'Der Browser hat gelöscht, was er vom Zwilling aufbewahrt hatte; beim nächsten Laden der Seite beginnt ein neuer.',
    'not-supported': 'Diesem Browser fehlt etwas, das der Zwilling braucht.',
    'newer-version':
      'Eine neuere Fassung dieser Seite hat den Zwilling benutzt; bitte laden Sie die Seite neu.',
    blocked:
      'Ein anderer Tab benutzt eine ältere Fassung des Zwillings; bitte schließen Sie ihn und laden Sie diese Seite neu.',
    'other-person': 'Unter diesem Namen ist der Zwilling einer anderen Person gespeichert.',
    'worker-lost':
      'Der Teil der Seite, in dem der Zwilling lebt, ist nicht gestartet oder beendet; bitte laden Sie die Seite neu.',
    failed: 'Im Zwilling ist etwas schiefgegangen; es ist nichts verloren.',
    'no-task': 'Der Zwilling weiß noch nicht, wonach er gefragt wird; er erfährt es vom Koordinator.',
    malformed: 'Die Angaben haben nicht die vorgesehene Form.',
    offline: 'Das Gerät ist offline; der Zwilling wartet.',
    'not-consented': 'Sie haben das nicht erlaubt oder es widerrufen.',
    'consent-not-logged':
      'Was Sie erlaubt haben, steht noch nicht im öffentlichen Protokoll; für eine Runde zählt es, sobald es dort steht.',
    'no-label':
      'Was vorhergesagt werden soll, ist hier noch nicht vorgekommen; daraus lässt sich noch nichts lernen.',
    'not-asked': 'In dieser Runde sind nur Zwillinge gefragt, die nicht lernen.',
    'held-out':
      'In dieser Runde sind nur Zwillinge gefragt, die lernen; dieser bleibt außen vor, um das Modell zu prüfen.',
    'task-unknown': 'Die Aufgabe ist noch nicht veröffentlicht.',
    'coordinator-unreachable': 'Der Koordinator ist nicht erreichbar; der Zwilling versucht es wieder.',
    'not-the-coordinator':
      'Statt des Koordinators antwortet etwas anderes, zum Beispiel eine Anmeldeseite des Netzes.',
    'origin-refused': 'Der Koordinator nimmt von dieser Website keine Anfragen an.',
    'no-credential': 'Die App hat nicht bestätigt, dass dieses Gerät Ihnen gehört.',
    'clock-off':
      'Die Uhr dieses Geräts geht falsch, deshalb nimmt der Koordinator nichts an; der Zwilling versucht es wieder.',
    'report-refused': 'Der Koordinator hat den Bericht dieses Geräts abgelehnt.',
    'consent-refused': 'Der Koordinator hat Ihre Wahl nicht angenommen; auf diesem Gerät gilt sie trotzdem.',
    'training-failed': 'Das Lernen ist auf diesem Gerät fehlgeschlagen; es wurde nichts gesendet.',
  },
};
