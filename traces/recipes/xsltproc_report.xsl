<?xml version="1.0"?>
<!-- Of xsltproc.sh: books by subject, each with its reviews; authors with all they wrote. -->
<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform"
                xmlns:m="urn:example:meta" xmlns:e="http://exslt.org/common"
                xmlns:s="http://exslt.org/strings" exclude-result-prefixes="m e s">
  <xsl:output method="html" indent="yes"/>
  <xsl:strip-space elements="*"/>
  <xsl:key name="subject" match="book" use="m:subject"/>
  <xsl:key name="author" match="book" use="author"/>

  <xsl:template name="stars">
    <xsl:param name="count"/>
    <xsl:param name="text" select="''"/>
    <xsl:choose>
      <xsl:when test="$count &gt; 0">
        <xsl:call-template name="stars">
          <xsl:with-param name="count" select="$count - 1"/>
          <xsl:with-param name="text" select="concat($text, '*')"/>
        </xsl:call-template>
      </xsl:when>
      <xsl:otherwise><xsl:value-of select="$text"/></xsl:otherwise>
    </xsl:choose>
  </xsl:template>

  <xsl:template match="/catalogue">
    <html>
      <head><title>Catalogue</title></head>
      <body>
        <xsl:for-each select="book[generate-id() = generate-id(key('subject', m:subject)[1])]">
          <xsl:sort select="m:subject"/>
          <h1><xsl:value-of select="translate(m:subject, 'abcdefgh', 'ABCDEFGH')"/></h1>
          <xsl:apply-templates select="key('subject', m:subject)">
            <xsl:sort select="@price" data-type="number" order="descending"/>
            <xsl:sort select="title"/>
          </xsl:apply-templates>
        </xsl:for-each>
      </body>
    </html>
  </xsl:template>

  <xsl:template match="book">
    <xsl:variable name="words">
      <xsl:for-each select="s:tokenize(title, ' ')"><w><xsl:value-of select="."/></w></xsl:for-each>
    </xsl:variable>
    <h2 class="{@lang}" id="{@id}"><xsl:value-of select="e:node-set($words)/w[1]"/>, <xsl:value-of
      select="format-number(@price, '#,##0.00')"/></h2>
    <p>
      <xsl:for-each select="author">
        <xsl:sort select="@born"/>
        <b><xsl:value-of select="."/></b> (<xsl:value-of select="count(key('author', .))"/>)
      </xsl:for-each>
    </p>
    <xsl:apply-templates select="review[@stars &gt; 2]"/>
  </xsl:template>

  <xsl:template match="review">
    <p>
      <xsl:call-template name="stars"><xsl:with-param name="count" select="@stars"/></xsl:call-template>
      <xsl:apply-templates/>
    </p>
  </xsl:template>

  <xsl:template match="em"><i><xsl:apply-templates/></i></xsl:template>
</xsl:stylesheet>
