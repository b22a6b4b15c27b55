<?php
// A small PHP site on `php -S`: a login in $_SESSION, a form, and cookies that nobody was asked about.
// Every tracker's value holds "do-not-log", so that a test finds it wherever it should not be.

declare(strict_types=1);

const YEAR = 365 * 86400;
const TRACE = 'do-not-log';

set_error_handler(function (int $level, string $message, string $file, int $line): never {
    throw new ErrorException($message, 0, $level, $file, $line);
});
ob_start();  // as most sites do: cookies may be set late

/** The names in $_COOKIE, an array's keys in brackets. */
function seen(): array
{
    $names = [];
    foreach ($_COOKIE as $name => $value) {
        $keys = is_array($value) ? array_keys($value) : null;
        foreach ($keys ?? [null] as $key) {
            $names[] = $key === null ? (string) $name : "{$name}[{$key}]";
        }
    }
    return $names;
}

function track(): void
{
    $in_two_years = time() + 2 * YEAR;
    setcookie('_ga', 'GA1.1.' . TRACE, $in_two_years, '/');
    setcookie('_gid', 'GA1.1.' . TRACE, ['expires' => time() + 86400, 'path' => '/', 'samesite' => 'Lax']);
    setcookie('FPID', TRACE, ['expires' => $in_two_years, 'path' => '/', 'httponly' => true]);
    setcookie('prefs[lang]', 'de', $in_two_years, '/');
    setcookie('prefs[theme]', 'dark', $in_two_years, '/');
    setcookie('adpartner_uid', TRACE, $in_two_years, '/');  // no rule names this one
    header('X-Powered-By: PHP');
}

function leave_for(string $path): never
{
    header("Location: $path", true, 303);
    exit;
}

function check_token(): void
{
    if (!hash_equals($_SESSION['token'] ?? '', $_POST['token'] ?? '-')) {
        http_response_code(403);
        exit('token');
    }
}

function form(string $action, string $fields): string
{
    $_SESSION['token'] ??= bin2hex(random_bytes(12));
    return "<form method=\"post\" action=\"$action\">"
        . "<input type=\"hidden\" name=\"token\" value=\"{$_SESSION['token']}\">$fields</form>";
}

function show(string $main): void
{
    $user = isset($_SESSION['user']) ? htmlspecialchars("Hello, {$_SESSION['user']}") : 'nobody is signed in';
    echo "<!DOCTYPE html><title>PHP</title><p>$user</p>", $main, form('/cookie-choice',
        '<button name="choice" value="refuse">Refuse</button><button name="choice" value="accept">Accept</button>');
    $notes = array_map('htmlspecialchars', $_SESSION['notes'] ?? []);
    echo '<ul><li>', implode('</li><li>', $notes), '</li></ul>';
    if (isset($_SESSION['user'])) {
        echo form('/notes', '<input name="text">'), form('/logout', '<button>Sign out</button>');
    } else {
        echo form('/login', '<input name="user"><input name="password" type="password">');
    }
}

header('X-Cookies-Seen: ' . json_encode(seen()));

switch ($_SERVER['REQUEST_METHOD'] . ' ' . parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH)) {
    case 'GET /cookies.json':
        header('Content-Type: application/json');
        echo json_encode(['names' => seen(), 'prefs' => $_COOKIE['prefs'] ?? null]);
        break;

    case 'GET /forget-me':  // fetched by a script in the page
        setcookie('_ga', '', 1, '/');
        setcookie('prefs[lang]', '', 1, '/');
        echo 'forgotten';
        break;

    case 'GET /':
        session_start();
        track();
        show('');
        break;

    case 'POST /login':
        session_start();
        track();
        check_token();
        if ($_POST['user'] !== 'anna' || $_POST['password'] !== 'freewheel') {
            http_response_code(422);
            show('<p>wrong password</p>');
            break;
        }
        session_regenerate_id(true);
        $_SESSION['user'] = 'anna';
        leave_for('/');

    case 'POST /notes':
        session_start();
        track();
        check_token();
        $_SESSION['notes'][] = $_POST['text'];
        leave_for('/');

    case 'POST /cookie-choice':
        session_start();
        track();
        check_token();
        $said = $_POST['choice'] === 'accept';
        $choice = json_encode(['functional' => $said, 'analytics' => $said, 'marketing' => $said]);
        setcookie('cookies_preferences', $choice, time() + 180 * 86400, '/');
        leave_for('/');

    case 'POST /logout':
        session_start();
        track();
        check_token();
        $_SESSION = [];
        session_destroy();
        setcookie(session_name(), '', 1, '/');
        leave_for('/');

    default:
        track();
        http_response_code(404);
        echo 'no such page';
}
