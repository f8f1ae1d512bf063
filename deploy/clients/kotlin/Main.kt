// Uploads with the code of api/MOBILE.md as a phone does: late, and with lost answers.

import com.sun.net.httpserver.HttpServer
import java.io.File
import java.io.IOException
import java.net.InetSocketAddress
import okhttp3.Interceptor
import okhttp3.OkHttpClient
import okhttp3.Protocol
import okhttp3.Response
import okhttp3.ResponseBody.Companion.toResponseBody

/** Lets some requests to the storage go wrong, each in its own way. */
class Faults : Interceptor {
    val wrong = ArrayDeque<(Interceptor.Chain) -> Response>()
    var puts = 0

    override fun intercept(chain: Interceptor.Chain): Response {
        if (chain.request().method != "PUT") return chain.proceed(chain.request())
        puts++
        return (wrong.removeFirstOrNull() ?: { it.proceed(it.request()) })(chain)
    }
}

fun expired(chain: Interceptor.Chain): Response = Response.Builder()
    .request(chain.request()).protocol(Protocol.HTTP_1_1).code(403).message("Forbidden")
    .body("<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>".toResponseBody(null))
    .build()

fun lost(chain: Interceptor.Chain): Response {
    chain.proceed(chain.request()).close()
    throw IOException("the answer was lost")
}

/** Answers every request with a status. */
fun always(status: Int): OkHttpClient = OkHttpClient.Builder().addInterceptor { chain ->
    Response.Builder().request(chain.request()).protocol(Protocol.HTTP_1_1).code(status).message("").body("".toResponseBody(null)).build()
}.build()

fun main(arguments: Array<String>) {
    val (endpoint, photo, damaged) = arguments
    val faults = Faults()
    val presize = Presize(endpoint, OkHttpClient.Builder().addInterceptor(faults).build())

    val secret = newSecret()
    faults.wrong += listOf(::expired, ::lost)
    try {
        presize.send(secret, File(photo), "image/heic", "photo", "order/17")
        error("the lost answer was not noticed")
    } catch (e: PresizeException) {
        throw e
    } catch (e: IOException) {
        presize.send(secret, File(photo), "image/heic", "photo", "order/17")
    }
    check(faults.puts == 2) { "${faults.puts} transfers" }
    val manifest = presize.awaitReady(secret)
    check(manifest.getString("id") == uploadId(secret)) { "the id is not ${uploadId(secret)}: $manifest" }
    check(manifest.getString("reference") == "order/17" && manifest.getJSONArray("variants").length() > 0) { "$manifest" }
    repeat(2) { presize.delete(secret) }

    val rejected = newSecret()
    presize.send(rejected, File(damaged), "image/jpeg", "photo")
    try {
        presize.awaitReady(rejected)
        error("a damaged photo is ready")
    } catch (e: PresizeException) {
        check(e.code == "truncated" && !e.temporary) { "rejected as ${e.code}" }
    }
    for ((status, temporary) in mapOf(400 to false, 401 to true, 403 to true, 409 to false, 422 to false, 429 to true, 500 to true)) {
        try {
            Presize(endpoint, always(status)).send(newSecret(), File(photo), "image/heic", "photo")
            error("a grant is refused with $status, and nothing is told")
        } catch (e: PresizeException) {
            check(e.temporary == temporary) { "a grant refused with $status is temporary: ${e.temporary}" }
        }
    }
    val other = HttpServer.create(InetSocketAddress("127.0.0.1", 0), 0)
    val moved = HttpServer.create(InetSocketAddress("127.0.0.1", 0), 0)
    var asked = 0
    other.createContext("/") { asked++; it.sendResponseHeaders(404, -1) }
    moved.createContext("/") {
        it.responseHeaders["Location"] = "http://127.0.0.1:${other.address.port}/"
        it.sendResponseHeaders(307, -1)
    }
    listOf(other, moved).forEach { it.start() }
    try {
        Presize("http://127.0.0.1:${moved.address.port}", OkHttpClient()).awaitReady(newSecret())
        error("a redirect is an upload")
    } catch (e: PresizeException) {
        check(e.code == "http-307" && asked == 0) { "${e.code}, and another host was asked $asked times" }
    }
    listOf(other, moved).forEach { it.stop(0) }
    println("expired grant renewed, nothing sent twice, ${manifest.getJSONArray("variants").length()} variants")
}
