// Drops the Set-Cookie fields that the visitor's choice does not allow.
var exact = { sessionid: 'necessary', csrftoken: 'necessary', _gid: 'analytics', _fbp: 'marketing' };
var prefixes = [['_ga', 'analytics'], ['_BEAMER', 'marketing']];

function category(name) {
    var found = exact[name];
    if (found) return found;
    for (var i = 0; i < prefixes.length; i++)
        if (name.startsWith(prefixes[i][0])) return prefixes[i][1];
    return 'necessary';
}

function response(r) {
    var fields = r.headersOut['Set-Cookie'];
    if (!fields || !fields.length) return;
    var allowed = {};
    var raw = r.variables.cookie_cookies_preferences;
    if (raw) { try { allowed = JSON.parse(decodeURIComponent(raw)); } catch (e) { allowed = {}; } }
    var kept = fields.filter(function (field) {
        var found = category(field.substring(0, field.indexOf('=')));
        return found === 'necessary' || allowed[found] === true;
    });
    if (kept.length !== fields.length) r.headersOut['Set-Cookie'] = kept;
}

export default { response };
