<?php
// The calls of BigBlueButton's PHP library and of Moodle, made with PHP's own
// cURL, http_build_query and SimpleXML: what matters is how PHP writes a
// query and reads an answer. The test beside it starts the server and judges
// what is printed.
//
//   php bbb.php library|moodle BASE SECRET [MORE...]

[, $who, $base, $secret] = $argv;

function checksum(string $call, string $query, string $algorithm): string
{
    global $secret;
    return hash($algorithm, $call . $query . $secret);
}

/** @return array{int, string, string} status, media type, body */
function send(string $url, ?string $body = null, string $type = ''): array
{
    $c = curl_init($url);
    curl_setopt_array($c, [CURLOPT_RETURNTRANSFER => true, CURLOPT_TIMEOUT => 30]);
    if ($body !== null) {
        curl_setopt_array($c, [CURLOPT_POST => true, CURLOPT_POSTFIELDS => $body, CURLOPT_HTTPHEADER => ["Content-Type: $type"]]);
    }
    $answer = curl_exec($c);
    if ($answer === false) {
        throw new Exception(curl_error($c));
    }
    return [curl_getinfo($c, CURLINFO_RESPONSE_CODE), (string) curl_getinfo($c, CURLINFO_CONTENT_TYPE), $answer];
}

function call(string $call, array $params, string $algorithm, ?string $body = null): SimpleXMLElement
{
    global $base;
    $query = http_build_query($params, '', '&');
    [$status, $type, $answer] = send("$base/api/$call?$query&checksum=" . checksum($call, $query, $algorithm), $body, 'application/xml');
    check("$call: 200", $status === 200);
    check("$call: XML by its type", str_starts_with($type, 'text/xml'));
    $xml = simplexml_load_string($answer);
    check("$call: XML", $xml !== false);
    return $xml;
}

function check(string $what, bool $ok): void
{
    if (!$ok) {
        throw new Exception("not so: $what");
    }
    echo "ok $what\n";
}

function library(): void
{
    global $base;
    // The library asks the root, and sends true and false as words.
    $version = simplexml_load_string(send("$base/api/")[2]);
    check('version', (string) $version->returncode === 'SUCCESS' && (float) $version->version > 0);

    $create = ['meetingID' => 'php 1', 'name' => 'Kelas Bahasa & Sastra', 'attendeePW' => 'ap', 'moderatorPW' => 'mp', 'record' => 'false',
        'duration' => 60, 'welcome' => "Selamat datang!\nHari ini: puisi", 'meta_kursus' => 'Bahasa', 'muteOnStart' => 'true', 'guestPolicy' => 'ALWAYS_ACCEPT'];
    $made = call('create', $create, 'sha1');
    check('create', (string) $made->returncode === 'SUCCESS' && (string) $made->meetingID === 'php 1');
    check('create: time', preg_match('/^\d{13}$/', (string) $made->createTime) === 1);
    foreach (['sha256', 'sha384', 'sha512'] as $algorithm) {
        check("create again, $algorithm", (string) call('create', $create, $algorithm)->messageKey === 'duplicateWarning');
    }
    $slides = new SimpleXMLElement('<?xml version="1.0" encoding="UTF-8"?><modules/>');
    $module = $slides->addChild('module');
    $module->addAttribute('name', 'presentation');
    $document = $module->addChild('document', base64_encode("%PDF-1.4 puisi" . str_repeat("\n% a large one", 250000)));
    $document->addAttribute('name', 'puisi.pdf');
    $with = call('create', ['meetingID' => 'php 2', 'name' => 'Puisi'], 'sha1', $slides->asXML());
    check('create with slides', (string) $with->returncode === 'SUCCESS' && (string) $with->messageKey === '');

    check('not running', (string) call('isMeetingRunning', ['meetingID' => 'php 1'], 'sha1')->running === 'false');
    $info = call('getMeetingInfo', ['meetingID' => 'php 1'], 'sha1');
    check('info', (string) $info->meetingName === 'Kelas Bahasa & Sastra' && (string) $info->metadata->kursus === 'Bahasa' && (int) $info->duration === 60);
    check('info: attendees can be gone through', count($info->attendees->children()) === 0);
    $all = call('getMeetings', [], 'sha1');
    $mine = [];
    foreach ($all->meetings->meeting as $meeting) {
        $mine[] = (string) $meeting->meetingID;
    }
    check('meetings', in_array('php 1', $mine, true) && in_array('php 2', $mine, true));
    $join = call('join', ['meetingID' => 'php 1', 'fullName' => 'Siti Nurhaliza', 'password' => 'ap', 'userID' => '9', 'redirect' => 'false'], 'sha1');
    check('join', (string) $join->messageKey === 'successfullyJoined' && str_contains((string) $join->url, '/c/') && (string) $join->session_token !== '');
    $recordings = call('getRecordings', ['meetingID' => 'php 1', 'state' => 'any'], 'sha1');
    check('recordings can be gone through', (string) $recordings->messageKey === 'noRecordings' && $recordings->recordings !== null && count($recordings->recordings->children()) === 0);
    check('recording unknown', (string) call('publishRecordings', ['recordID' => 'a-1', 'publish' => 'true'], 'sha1')->messageKey === 'notFound');
    check('recording unknown', (string) call('deleteRecordings', ['recordID' => 'a-1'], 'sha1')->messageKey === 'notFound');
    check('recording unknown', (string) call('updateRecordings', ['recordID' => 'a-1', 'meta_x' => 'y'], 'sha1')->messageKey === 'notFound');
    check('said', (string) call('sendChatMessage', ['meetingID' => 'php 1', 'message' => 'Lima menit lagi', 'userName' => 'Moodle'], 'sha256')->returncode === 'SUCCESS');
    $hook = call('hooks/create', ['callbackURL' => 'http://192.0.2.1/hook', 'meetingID' => 'php 1'], 'sha1');
    check('hook refused inside', (string) $hook->returncode === 'FAILED');
    $hook = call('hooks/create', ['callbackURL' => 'https://lms.example.org/hook?a=b', 'meetingID' => 'php 1'], 'sha1');
    check('hook', (string) $hook->returncode === 'SUCCESS' && (string) $hook->hookID !== '');
    $hooks = call('hooks/list', [], 'sha1');
    check('hooks', (string) $hooks->hooks->hook[0]->callbackURL === 'https://lms.example.org/hook?a=b');
    check('hook gone', (string) call('hooks/destroy', ['hookID' => (string) $hook->hookID], 'sha1')->removed === 'true');
    $end = call('end', ['meetingID' => 'php 1', 'password' => 'mp'], 'sha1');
    check('end', (string) $end->messageKey === 'sentEndMeetingRequest');
    check('wrong checksum', (string) simplexml_load_string(send("$base/api/getMeetings?checksum=" . str_repeat('0', 40))[2])->messageKey === 'checksumError');
}

/** Moodle's own nine calls, as mod_bigbluebuttonbn writes them, SHA256. */
function moodle(string $slides, string $broker): void
{
    global $base;
    $action = function (string $call, array $data = [], array $metadata = []) use ($base): string {
        $query = http_build_query($data + array_combine(array_map(fn ($k) => "meta_$k", array_keys($metadata)), array_values($metadata)), '', '&');
        return "$base/api/$call?$query&checksum=" . ($call === '' ? checksum('', $query, 'sha256') : checksum($call, $query, 'sha256'));
    };
    $fetch = fn (string $call, array $data = []) => simplexml_load_string(send($action($call, $data))[2]);

    $root = simplexml_load_string(send($action(''))[2]);
    check('server available', (float) $root->version > 0);

    $id = '3ab2f0c7f1e2b5d6a7c8e9f00112233445566778-12-34[2]';
    $data = ['meetingID' => $id, 'name' => 'Ruang kelas 9 (kelompok B)', 'attendeePW' => 'siswa99', 'moderatorPW' => 'guru99', 'logoutURL' => "$base/back?id=34",
        'welcome' => 'Selamat datang <br> di kelas', 'record' => 'true', 'allowStartStopRecording' => 'true', 'autoStartRecording' => 'false', 'muteOnStart' => 'true',
        'lockSettingsDisablePrivateChat' => 'true', 'duration' => '0', 'voiceBridge' => '70123', 'maxParticipants' => 30, 'guestPolicy' => 'ALWAYS_ACCEPT'];
    $meta = ['bbb-origin' => 'Moodle', 'bbb-origin-version' => '5.0', 'bbb-context' => 'Kelas 9', 'bn-recording-ready-url' => "$broker?action=recording_ready",
        'analytics-callback-url' => "$broker?action=meeting_events&bigbluebuttonbn=34"];
    $body = "<?xml version='1.0' encoding='UTF-8'?><modules><module name='presentation'><document url='$slides' filename='Bab 1.pdf' /></module></modules>";
    [$status, , $answer] = send($action('create', $data, $meta), $body, 'text/xml');
    $made = simplexml_load_string($answer);
    check('create', $status === 200 && (string) $made->returncode === 'SUCCESS' && (string) $made->messageKey === '');
    check('create: ids', (string) $made->meetingID === $id && (string) $made->internalMeetingID === sha1($id) . '-' . $made->createTime);

    $info = $fetch('getMeetingInfo', ['meetingID' => $id]);
    check('info', (string) $info->returncode === 'SUCCESS' && (string) $info->running === 'false' && (string) $info->hasBeenForciblyEnded === 'false');
    foreach (['createTime', 'participantCount', 'moderatorCount', 'startTime'] as $member) {
        check("info: $member", is_numeric((string) $info->$member));
    }
    foreach ([['Bu Rahma', 'MODERATOR', '2', 'guru99'], ['Adi Putra', 'VIEWER', '17', 'siswa99']] as [$name, $role, $user, $password]) {
        $url = $action('join', ['meetingID' => $id, 'fullName' => $name, 'password' => $password, 'logoutURL' => "$base/back", 'userID' => $user,
            'createTime' => (string) $made->createTime, 'role' => $role]);
        echo "join $url\n";
    }
    // Twenty-five ids a page, and states.
    $ids = implode(',', array_map(fn ($n) => sha1("m$n") . "-1-$n", range(1, 25)));
    $recordings = $fetch('getRecordings', ['meetingID' => $ids, 'state' => 'any']);
    check('no recordings', (string) $recordings->returncode === 'SUCCESS' && count($recordings->recordings->recording) === 0);
    check('publish', (string) $fetch('publishRecordings', ['recordID' => 'x-1', 'publish' => 'true'])->messageKey === 'notFound');
    check('protect', (string) $fetch('updateRecordings', ['recordID' => 'x-1', 'protect' => 'true'])->messageKey === 'notFound');
    check('name', (string) $fetch('updateRecordings', ['recordID' => 'x-1', 'meta_bbb-recording-name' => 'Bab 1'])->messageKey === 'notFound');
    check('delete', (string) $fetch('deleteRecordings', ['recordID' => 'x-1'])->messageKey === 'notFound');
}

function finish(): void
{
    $id = '3ab2f0c7f1e2b5d6a7c8e9f00112233445566778-12-34[2]';
    $info = call('getMeetingInfo', ['meetingID' => $id], 'sha256');
    check('running', (string) $info->running === 'true' && (int) $info->participantCount === 2 && (int) $info->moderatorCount === 1);
    $names = [];
    foreach ($info->attendees->attendee as $attendee) {
        $names[(string) $attendee->userID] = (string) $attendee->fullName . ' ' . $attendee->role;
    }
    ksort($names);
    check('attendees', $names === [2 => 'Bu Rahma MODERATOR', 17 => 'Adi Putra VIEWER']);
    check('end', (string) call('end', ['meetingID' => $id, 'password' => 'guru99'], 'sha256')->returncode === 'SUCCESS');
    check('gone', (string) call('getMeetingInfo', ['meetingID' => $id], 'sha256')->messageKey === 'notFound');
}

try {
    $who(...array_slice($argv, 4));
} catch (Throwable $e) {
    fwrite(STDERR, $e->getMessage() . "\n");
    exit(1);
}
